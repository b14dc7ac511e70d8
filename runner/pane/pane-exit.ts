import type { ProcessEnd } from "./protocol.ts";

/** Why a run was ended by the runner and not by its command; the first cause wins, and any wins over `silent`. */
export type StopCause = "stopped" | "output_limit" | "silent" | "output_refused" | "capture_failed";

type LossReason = "capture_failed" | "wrapper_unresponsive" | "wrapper_died";

/**
 * How a run ended. `reason` is null when the command ended by itself. `lost` means that how it ended, or what it
 * printed, is not known; all of its processes are gone then, too.
 */
export type PaneExit = PaneEnding & {
  readonly outputBytes: number;
  readonly durationMilliseconds: number;
};

type PaneEnding =
  | (ProcessEnd & { readonly reason: "stopped" | "output_limit" | "silent" | null })
  | { readonly kind: "lost"; readonly reason: LossReason; readonly detail: string };

const LOSS_DETAIL = {
  capture_failed:
    "The recording of the pane ended before the command did: its disk is full, or the recorder was killed.",
  wrapper_unresponsive: "The process that runs the pane's command did not stop it in time and was killed with it.",
  wrapper_died: "The pane was closed, or the process that runs its command was killed.",
} as const satisfies Record<LossReason, string>;

/** What a run came to. `end` is undefined if the wrapper went first; `survivors` are processes that took no KILL. */
export function paneEnding(known: {
  readonly end: ProcessEnd | undefined;
  readonly isOutputComplete: boolean;
  readonly cause: StopCause | undefined;
  readonly wasUnresponsive: boolean;
  readonly survivors: readonly number[];
}): PaneEnding {
  const { end, cause } = known;
  if (!end) return lost(known.wasUnresponsive ? "wrapper_unresponsive" : "wrapper_died", known.survivors);
  if (!known.isOutputComplete || cause === "capture_failed") return lost("capture_failed", known.survivors);
  return { ...end, reason: cause === undefined || cause === "output_refused" ? null : cause };
}

function lost(reason: LossReason, survivors: readonly number[]): PaneEnding {
  const left = survivors.length > 0 ? ` These processes could not be killed: ${survivors.join(", ")}.` : "";
  return { kind: "lost", reason, detail: LOSS_DETAIL[reason] + left };
}
