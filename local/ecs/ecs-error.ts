/** A refusal in the words of ECS: `code` is what the SDK makes its exception class of, `details` are that class's own fields. */
export class EcsError extends Error {
  override readonly name = "EcsError";
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
