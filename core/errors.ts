/** A launch that was answered with a refusal: no capacity, or a task definition that does not exist. */
export class LaunchRefused extends Error {
  override readonly name = "LaunchRefused";
}

/** Another attempt has taken the job over, or the job has ended: this writer must stop writing. */
export class Superseded extends Error {
  override readonly name = "Superseded";
}
