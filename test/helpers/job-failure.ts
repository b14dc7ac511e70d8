import { JobFailure } from "../../runner/job-failure.ts";

/** The failure that the work ends with; a test that finds none, or another error, fails here. */
export async function failureOf(work: Promise<unknown>): Promise<JobFailure> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof JobFailure)) throw new Error(`Not a JobFailure: ${error}`);
  return error;
}
