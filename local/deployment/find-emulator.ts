import * as z from "zod";
import { parseEnvironment } from "../../adapters/environment.ts";
import { isLoopbackHost } from "../gateway/loopback-host.ts";
import { CannotGoOn } from "./cannot-go-on.ts";
import { running } from "./records.ts";

const ANSWER_SECONDS = 5;

const Environment = z.object({
  AWS_ENDPOINT_URL: z
    .string()
    .optional()
    .transform((text) => text || undefined),
});

/** Where the emulator answers: what `local:up` has started, or AWS_ENDPOINT_URL. Throws `CannotGoOn`. */
export async function findEmulator(): Promise<string> {
  const { AWS_ENDPOINT_URL } = parseEnvironment(Environment);
  const endpoint = AWS_ENDPOINT_URL ?? (await running.read())?.endpoint;
  if (endpoint === undefined)
    throw new CannotGoOn(
      "No emulator runs: npm run local:up starts one, or say by AWS_ENDPOINT_URL where one answers.",
    );
  requireThisMachine(endpoint);
  const health = await fetch(`${endpoint}/_localstack/health`, {
    signal: AbortSignal.timeout(ANSWER_SECONDS * 1_000),
  }).catch(() => undefined);
  if (health?.ok) return endpoint;
  const remedy = AWS_ENDPOINT_URL === undefined ? "Type npm run local:down and npm run local:up." : "Start it first.";
  throw new CannotGoOn(`No emulator answers at ${endpoint}. ${remedy}`);
}

/** What is meant for an emulator never goes to AWS by mistake. */
function requireThisMachine(endpoint: string): void {
  if (URL.canParse(endpoint) && isLoopbackHost(new URL(endpoint).host)) return;
  throw new CannotGoOn(
    `AWS_ENDPOINT_URL is ${endpoint}, and not an emulator on this machine, such as http://127.0.0.1:4566. ` +
      "cdk deploy, without it, deploys to AWS.",
  );
}
