import { setTimeout as elapsed } from "node:timers/promises";
import { killGroup, sendSignal, terminateWhen } from "./end-process.ts";
import { identify, isAlive, type ProcessIdentity } from "./process-identity.ts";

const LOOK_EVERY_MILLISECONDS = 500;

interface AdoptedOptions {
  readonly stopTimeoutSeconds: number;
  /** When the earlier host has asked it to end. It is not asked again: to many a second SIGTERM means "at once". */
  readonly stoppingSince: Date | undefined;
}

/** Waits for the end of a process that an earlier host has started. No child: nobody tells its end, or its exit code. */
export async function untilGone(known: ProcessIdentity, stop: AbortSignal, options: AdoptedOptions): Promise<void> {
  const { stopTimeoutSeconds, stoppingSince } = options;
  const kill = (signal: "SIGTERM" | "SIGKILL") => sendTo(known, signal);
  using _termination =
    stoppingSince === undefined
      ? terminateWhen(stop, stopTimeoutSeconds, kill)
      : killAt(stoppingSince.getTime() + stopTimeoutSeconds * 1_000, kill);
  while (isAlive(known)) await elapsed(LOOK_EVERY_MILLISECONDS);
  // Where its id has been given away again, its group was empty before.
  if (identify(known.processId) === undefined) killGroup(known.processId);
}

function sendTo(known: ProcessIdentity, signal: "SIGTERM" | "SIGKILL"): void {
  if (isAlive(known)) sendSignal(known.processId, signal);
}

function killAt(milliseconds: number, kill: (signal: "SIGKILL") => void): Disposable {
  const timer = setTimeout(kill, milliseconds - Date.now(), "SIGKILL");
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
