import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll } from "vitest";
import type * as z from "zod";
import { sqsJobQueue } from "../../../adapters/sqs-job-queue.ts";
import type { JobEvent } from "../../../core/job-events.ts";
import type { NewJob } from "../../../core/new-job.ts";
import type { Role } from "../../../core/roles.ts";
import { tableName } from "../../../local/provision.ts";
import { jobSpec, queuedJob } from "../../helpers/jobs.ts";
import { testSqs } from "../../helpers/queue.ts";
import { testTable } from "../../helpers/table.ts";
import { type Container, startContainer } from "./container.ts";

/** What nobody but root may get to see. */
export const secrets = {
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: `/v2/credentials/${crypto.randomUUID()}`,
  AWS_SECRET_ACCESS_KEY: crypto.randomUUID(),
  GIT_TOKEN: crypto.randomUUID(),
};

export const taskArn = "arn:aws:ecs:eu-west-1:000000000000:task/omx-web/0123456789abcdef0123456789abcdef";

export const attachTemplate =
  "aws ecs execute-command --cluster omx-web --task {task} --container runner --interactive --command /opt/omx/attach";

export interface JobInContainer extends AsyncDisposable {
  readonly jobId: string;
  readonly container: Container;
  /** Where the session's sockets and spools are. */
  readonly sessionFolder: string;
  readonly socket: string;
  /** Every event, once this is true of them, which has to be within half a minute. */
  eventsUntil(isEnough: (events: readonly JobEvent[]) => boolean): Promise<readonly JobEvent[]>;
}

/** Starts jobs, each in a container with what a task is given on AWS, but for the emulators in the place of its services. */
export async function containersWithJobs() {
  const table = await testTable();
  const sqs = await testSqs();
  const metadata = await taskMetadata();

  return async (options: z.input<typeof NewJob>["options"]): Promise<JobInContainer> => {
    const queueUrl = await sqs.makeQueue();
    const spec = jobSpec({ ...(options && { options }) });
    const record = queuedJob({ status: "starting", attempt: 1 }, spec);
    const { jobId } = record;
    await table.jobs.create(record, spec);
    await sqsJobQueue(sqs.client, queueUrl).send({ jobId, attempt: 1 });
    const container = await startContainer({
      ...{ AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "local", TABLE_NAME: tableName, QUEUE_URL: queueUrl },
      AWS_ENDPOINT_URL_DYNAMODB: process.env.AWS_ENDPOINT_URL_DYNAMODB ?? "",
      AWS_ENDPOINT_URL_SQS: process.env.AWS_ENDPOINT_URL_SQS ?? "",
      ...{
        ECS_CONTAINER_METADATA_URI_V4: metadata,
        ATTACH_COMMAND: attachTemplate,
        JOB_SKIP_GIT_CLONE: "1",
        ...secrets,
      },
    });
    const sessionFolder = `/var/lib/omx/${jobId}/tmux`;
    return {
      ...{ jobId, container, sessionFolder, socket: `${sessionFolder}/tmux.sock` },
      async eventsUntil(isEnough) {
        const giveUpAt = performance.now() + 30_000;
        for (;;) {
          const events = await table.events.read(jobId, 0, { events: 1_000, bytes: 10_000_000 });
          if (isEnough(events)) return events;
          if (performance.now() > giveUpAt) throw new Error(`${JSON.stringify(events)}\n${container.log()}`);
          await sleep(20);
        }
      },
      [Symbol.asyncDispose]: () => container[Symbol.asyncDispose](),
    };
  };
}

/** What a role has printed. */
export function outputOf(events: readonly JobEvent[], role: Role): string {
  const texts = events.map((event) => (event.type === "pane_output" && event.role === role ? event.data.text : ""));
  return texts.join("").replaceAll("\r", "");
}

async function taskMetadata(): Promise<string> {
  const server = createServer((_, response) => void response.end(JSON.stringify({ TaskARN: taskArn })));
  await once(server.listen(0, "127.0.0.1"), "listening");
  afterAll(() => void server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
