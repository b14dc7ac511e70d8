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

/** Nobody can be let in to the task's session: it is not ready for that yet, or is where nobody can be. */
export class AttachUnavailable extends Error {
  override readonly name = "AttachUnavailable";
}

/** Another attempt has taken the job over, or the job has ended: this writer must stop writing. */
export class Superseded extends Error {
  override readonly name = "Superseded";
}
