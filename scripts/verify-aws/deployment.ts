import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import * as z from "zod";
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

const root = fileURLToPath(new URL("../..", import.meta.url));
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
  undo.defer(() => cdk("destroy", "--force", "--output", join(folder, "cdk.out"), ...context));
  const outputsFile = join(folder, "outputs.json");
  await cdk(
    "deploy",
    "--require-approval",
    "never",
    "--output",
    join(folder, "cdk.out"),
    "--outputs-file",
    outputsFile,
    ...context,
  );
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

async function cdk(command: string, ...args: readonly string[]): Promise<void> {
  // In a group of its own: Ctrl-C is to end this run, and not to break off what removes the stack.
  const run = {
    cwd: root,
    preferLocal: true,
    detached: true,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  } as const;
  const { failed, shortMessage } = await execa("cdk", [command, ...args], { ...run, reject: false, env: { CI: "1" } });
  if (!failed) return;
  const remedy =
    command === "destroy" ? " The stack may still be there and cost money: delete it in CloudFormation." : "";
  throw new Error(`${shortMessage}.${remedy}`);
}

/** An emulator's API has a host name that no name server knows; it answers under this path, too. */
function urlOf(apiUrl: string, endpoint: string | undefined): string {
  const { hostname, pathname } = new URL(apiUrl);
  if (endpoint === undefined) return apiUrl.replace(/\/$/, "");
  return `${endpoint}/restapis/${hostname.split(".")[0]}/${pathname.split("/")[1]}/_user_request_`;
}
