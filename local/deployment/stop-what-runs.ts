import { setTimeout as elapsed } from "node:timers/promises";
import { killGroup, sendSignal } from "../ecs/end-process.ts";
import { isAlive, type ProcessIdentity } from "../ecs/process-identity.ts";
import { readSettings } from "../settings.ts";
import { deployment, running } from "./records.ts";
import { removeRemains } from "./remains.ts";

const LOOK_EVERY_MILLISECONDS = 100;
/** The host gives runners 30 s to hand their jobs back. */
const STOP_SECONDS = 60;

/** Stops what `local:up` has started, by its process ids, also where only a part of it lives. Answers whether anything did. */
export async function stopWhatRuns(): Promise<boolean> {
  const known = await running.read();
  if (known === undefined) return false;
  const { host, ministack, workRoot } = known;
  const wasAlive = isAlive(host) || isAlive(ministack);
  if (isAlive(host)) sendSignal(host.processId, "SIGTERM");
  if (!(await isGone(host))) sendSignal(host.processId, "SIGKILL");
  if (isAlive(ministack)) killGroup(ministack.processId);
  await removeRemains(workRoot, readSettings([]).path);
  await Promise.all([running.remove(), deployment.remove()]);
  return wasAlive;
}

async function isGone(process: ProcessIdentity): Promise<boolean> {
  for (let waited = 0; waited < STOP_SECONDS * 1_000; waited += LOOK_EVERY_MILLISECONDS) {
    if (!isAlive(process)) return true;
    await elapsed(LOOK_EVERY_MILLISECONDS);
  }
  return false;
}
