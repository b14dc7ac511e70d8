import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { cdk } from "../cdk.ts";
import { removeStack } from "../destroy/remove-stack.ts";
import type { Options } from "./command-line.ts";

/** Where AWS is, unless it is AWS: an emulator that is there already, whose runners are of the stage `local`. */
export interface Place {
  readonly endpoint: string | undefined;
}

export interface Deployment extends AsyncDisposable {
  readonly apiUrl: string;
  readonly tableName: string;
  readonly seconds: number;
}

const Outputs = z.object({ ApiUrl: z.url(), TableName: z.string() });

/** How many jobs of the tenant run at once: fewer than are submitted, so that some have to wait. */
const concurrentJobs = 10;

/**
 * Deploys a stack of a name that nothing else has; disposing removes it, also when the deployment has failed half-way, and
 * says how where that fails, too.
 */
export async function deploy({ imageUri }: Options, { endpoint }: Place): Promise<Deployment> {
  const stageName = endpoint === undefined ? `verify-${randomBytes(3).toString("hex")}` : "local";
  const folder = await mkdtemp(join(tmpdir(), "omx-web-verify-"));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const given = {
    ...{ stageName, keepData: "false", maxConcurrentJobs: String(concurrentJobs) },
    ...(imageUri !== undefined && { imageUri }),
    ...(endpoint !== undefined && {
      emulator: "true",
      imageUri: "omx-web-runner:local",
      repositoryAllowList: "file:///",
    }),
  };
  const context = Object.entries(given).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const beganAt = performance.now();
  const args = ["--output", join(folder, "cdk.out"), ...context];
  undo.defer(() => remove(`omx-web-${stageName}`, args));
  const outputsFile = join(folder, "outputs.json");
  await cdk("deploy", "--require-approval", "never", "--outputs-file", outputsFile, ...args);
  const seconds = (performance.now() - beganAt) / 1_000;
  const stacks = z.record(z.string(), Outputs).parse(JSON.parse(await readFile(outputsFile, "utf8")));
  const outputs = stacks[`omx-web-${stageName}`];
  if (outputs === undefined) throw new Error("The stack has no outputs.");
  const owned = undo.move();
  return {
    ...{
      apiUrl: urlOf(outputs.ApiUrl, endpoint),
      tableName: outputs.TableName,
      seconds,
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function remove(stackName: string, args: readonly string[]): Promise<void> {
  await removeStack(stackName, args, (line) => void process.stdout.write(`${line}\n`)).catch((error: unknown) => {
    const remedy = `${stackName} may still be there and cost money: npm run destroy -- ${stackName} --yes`;
    throw new Error(remedy, { cause: error });
  });
}

/** An emulator's API has a host name that no name server knows; it answers under this path, too. */
function urlOf(apiUrl: string, endpoint: string | undefined): string {
  const { hostname, pathname } = new URL(apiUrl);
  if (endpoint === undefined) return apiUrl.replace(/\/$/, "");
  return `${endpoint}/restapis/${hostname.split(".")[0]}/${pathname.split("/")[1]}/_user_request_`;
}
