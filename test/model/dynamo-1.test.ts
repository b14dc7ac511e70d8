import { expect, test } from "vitest";
import { expectNoViolation } from "./expect-batch.ts";

const schedules = 1_000;

test("Whatever crashes, gets lost, doubled, reordered or late, on real tables: no accepted job is lost, none runs twice, every one ends", async () => {
  expect(await expectNoViolation("dynamo", 1_000_000, schedules)).toBeGreaterThan(0);
}, 900_000);
