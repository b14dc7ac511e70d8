import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { toJob } from "../../../core/job.ts";
import { attach } from "../../../scripts/verify-aws/attach.ts";
import { clientOf } from "../../../scripts/verify-aws/client.ts";
import { jobSpec, queuedJob } from "../../helpers/jobs.ts";
import { pluginToSession } from "./session-manager-plugin.ts";

const spec = jobSpec();
const job = toJob(queuedJob({}, spec), spec);

function problem(code: string, retryable: boolean) {
  const about = { type: "about:blank", title: code, detail: code, instance: "/", requestId: "1" };
  return { status: 409, body: { ...about, status: 409, code, retryable } };
}

const notYet = problem("attach_unavailable", true);
const over = problem("already_ended", false);
const grant = {
  status: 200,
  body: { command: "session-manager-plugin", sessionId: "s", streamUrl: "wss://stream", tokenValue: "token" },
};

/** A client of a service that gives these answers, the last of them for ever. */
async function clientOfAnswers(...answers: readonly { status: number; body: object }[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const { status, body } = answers[Math.min(asked.length, answers.length) - 1] ?? over;
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    asked,
    client: clientOf(url, "key", "owner/name", new AbortController().signal),
    [Symbol.dispose]: () => void server.close().closeAllConnections(),
  };
}

test("The way in is asked for until the agent is there, and then it is gone in", async () => {
  await using _plugin = await pluginToSession();
  using service = await clientOfAnswers(notYet, grant);

  expect(await attach(service.client, job)).toEqual([
    { what: "a way into a job's session", seen: expect.stringMatching(/^a command after \d+ s$/), isAsExpected: true },
    { what: "the session", seen: "its panes, left by Ctrl-]", isAsExpected: true },
  ]);
  expect(service.asked).toEqual(Array(2).fill(`POST /v1/jobs/${job.jobId}/attach`));
});

test("It is asked for no more once the job has ended, and what was said before is told", async () => {
  using service = await clientOfAnswers(notYet, over);

  expect(await attach(service.client, job)).toEqual([
    expect.objectContaining({ seen: expect.stringMatching(/^409 attach_unavailable after/), isAsExpected: false }),
    { what: "the session", seen: "not tried: no way in", isAsExpected: undefined },
  ]);
});

test("A refusal that is for good is told at once", async () => {
  using service = await clientOfAnswers(over);

  const [wayIn] = await attach(service.client, job);

  expect(wayIn).toMatchObject({ seen: "409 already_ended after 0 s", isAsExpected: false });
  expect(service.asked).toHaveLength(1);
});
