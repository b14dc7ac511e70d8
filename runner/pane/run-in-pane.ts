import { randomBytes } from "node:crypto";
import { createMarkerScanner } from "../tmux/marker-scanner.ts";
import type { PaneCommand, PaneParts } from "./pane.ts";
import { type PaneExit, paneEnding } from "./pane-exit.ts";
import { beginMarker, endMarker, runOrder } from "./protocol.ts";
import { RunSupervision } from "./run-supervision.ts";

interface Delivery {
  readonly outputBytes: number;
  /** False if the capture was over before the end marker came. */
  readonly isComplete: boolean;
}

/** One command in a pane, from the order to the last byte of its output. */
export async function runInPane(
  pane: PaneParts,
  run: number,
  command: PaneCommand,
  signal: AbortSignal,
): Promise<PaneExit> {
  const startedAt = performance.now();
  const nonce = randomBytes(16).toString("hex");
  const order = runOrder({ ...command, run, nonce });
  await pane.spool.restart();
  await using supervision = new RunSupervision(pane, run, command.silence, signal);
  pane.connection.send(order);
  if (signal.aborted) supervision.stop("stopped");
  try {
    const { outputBytes, isComplete } = await deliver(pane, run, nonce, command, supervision.captureIsOver);
    const end = await supervision.end;
    const { cause, wasUnresponsive, survivors } = supervision;
    const durationMilliseconds = performance.now() - startedAt;
    return {
      ...paneEnding({ end, isOutputComplete: isComplete, cause, wasUnresponsive, survivors }),
      outputBytes,
      durationMilliseconds,
    };
  } catch (error) {
    supervision.stop("output_refused");
    await supervision.end;
    throw error;
  }
}

/** Hands on what stands between the run's markers in the spool. */
async function deliver(
  { spool }: PaneParts,
  run: number,
  nonce: string,
  { onOutput }: PaneCommand,
  captureIsOver: AbortSignal,
): Promise<Delivery> {
  const begin = createMarkerScanner(beginMarker(run));
  const end = createMarkerScanner(endMarker(nonce));
  let hasBegun = false;
  let outputBytes = 0;
  for await (const chunk of spool.chunks(captureIsOver)) {
    const output = hasBegun ? chunk : begin.push(chunk).after;
    if (!output) continue;
    hasBegun = true;
    const { before, after } = end.push(output);
    outputBytes += await handOn(before, outputBytes, onOutput);
    if (after) return { outputBytes, isComplete: true };
  }
  outputBytes += await handOn(end.rest(), outputBytes, onOutput);
  return { outputBytes, isComplete: false };
}

async function handOn(bytes: Uint8Array, offset: number, onOutput: PaneCommand["onOutput"]): Promise<number> {
  if (bytes.length > 0) await onOutput(bytes, offset);
  return bytes.length;
}
