import type { ReasonCode } from "../core/reasons.ts";

/** Ends the job as failed, for a reason that its user can be told. */
export class JobFailure extends Error {
  override readonly name = "JobFailure";
  readonly code: ReasonCode;

  constructor(code: ReasonCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
