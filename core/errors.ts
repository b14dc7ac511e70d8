/** A launch that was answered with a refusal that stays one: a task definition that does not exist, say. */
export class LaunchRefused extends Error {
  override readonly name = "LaunchRefused";
}

/** A launch that found no room: the same launch may succeed later. */
export class NoCapacity extends Error {
  override readonly name = "NoCapacity";
}

/** A row that a later version of the service has written: whoever reads it must leave it alone. */
export class NewerSchema extends Error {
  override readonly name = "NewerSchema";
}

/** Another attempt has taken the job over, or the job has ended: this writer must stop writing. */
export class Superseded extends Error {
  override readonly name = "Superseded";
}
