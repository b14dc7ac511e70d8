import { describe, expect, test } from "vitest";
import { JobEvent } from "../../core/job-events.ts";
import { finished, output, placed } from "../helpers/events.ts";

const [event] = placed(7, [output("한국어")]);

describe("an event", () => {
  test("is what its type says", () => {
    expect(JobEvent.parse(event)).toEqual(event);
    expect(JobEvent.safeParse(placed(1, [finished()])[0]).success).toBe(true);
  });

  test.each([
    ["without a place", { seq: undefined }],
    ["at place 0", { seq: 0 }],
    ["at half a place", { seq: 1.5 }],
    ["of a type that nobody knows", { type: "surprise" }],
    ["with the data of another type", { type: "job_finished" }],
    ["with more data than is known", { data: { text: "x", offset: 0, extra: 1 } }],
    ["with more than is known", { extra: 1 }],
    ["with a time of another form", { ts: "2026-11-22 10:00:00" }],
    ["with a time without milliseconds", { ts: "2026-11-22T10:00:00Z" }],
    ["of a role that nobody knows", { role: "reviewer" }],
  ])("%s is none", (_what, more) => {
    expect(JobEvent.safeParse({ ...event, ...more }).success).toBe(false);
  });
});
