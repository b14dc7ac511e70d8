import type { Job } from "../../core/job.ts";
import { Attachment } from "../../openapi/attachment.ts";
import { Problem } from "../../openapi/problem.ts";
import { type Client, secondsSince } from "./client.ts";
import type { Finding } from "./finding.ts";
import { openSession } from "./session.ts";

/**
 * Asks for a way into the job's session until there is one, and goes in. The agent of ECS Exec connects some time after the
 * runner has begun; the end of the job ends the asking.
 */
export async function attach(client: Client, { jobId }: Job): Promise<Finding[]> {
  const beganAt = performance.now();
  let refusal = "";
  const { grant } = await client.until(`job ${jobId} can be attached to`, async () => {
    const { status, body } = await client.post(`/v1/jobs/${jobId}/attach`, { write: false });
    if (status === 200) return { grant: Attachment.parse(body) };
    const { code, retryable } = Problem.parse(body);
    if (retryable || refusal === "") refusal = `${status} ${code}`;
    return retryable ? undefined : { grant: undefined };
  });
  const [what, session] = ["a way into a job's session", "the session"];
  const seen = `${grant ? "a command" : refusal} after ${secondsSince(beganAt)}`;
  const wayIn: Finding = { what, seen, isAsExpected: grant !== undefined };
  if (grant === undefined) return [wayIn, { what: session, seen: "not tried: no way in", isAsExpected: undefined }];
  return [wayIn, { what: session, ...(await openSession(grant.command)) }];
}
