import { expect, test } from "vitest";
import { JobStop, type StopCause } from "../../runner/job-stop.ts";

test("Nothing is stopped at first.", () => {
  const stop = new JobStop();
  expect([stop.cause, stop.signal.aborted, stop.abandoned.aborted]).toEqual([undefined, false, false]);
});

test.each<[StopCause, boolean]>([
  ["cancelled", false],
  ["deadline", false],
  ["shutdown", false],
  ["superseded", true],
  ["lost_contact", true],
])("A job that is stopped as %s ends its panes; nothing more may be written: %s.", (cause, isAbandoned) => {
  const stop = new JobStop();
  stop.stop(cause);
  expect([stop.cause, stop.signal.aborted, stop.abandoned.aborted]).toEqual([cause, true, isAbandoned]);
});

test("The first cause wins, but a job that is lost later is abandoned all the same.", () => {
  const stop = new JobStop();
  stop.stop("cancelled");
  stop.stop("deadline");
  expect(stop.abandoned.aborted).toBe(false);
  stop.stop("superseded");
  expect([stop.cause, stop.abandoned.aborted]).toEqual(["cancelled", true]);
});

test("Whoever hears of the stop already knows its cause, and whether anything may be written.", () => {
  const stop = new JobStop();
  const heard: unknown[] = [];
  stop.signal.addEventListener("abort", () => heard.push([stop.cause, stop.abandoned.aborted]));
  stop.abandoned.addEventListener("abort", () => heard.push(stop.cause));
  stop.stop("superseded");
  expect(heard).toEqual(["superseded", ["superseded", true]]);
});
