import { expect, test } from "vitest";
import { Reason, reasonCodes, reasonOf } from "../../core/reasons.ts";

test.each(reasonCodes)("The reason %s tells its user what to do, in whole sentences", (code) => {
  const reason = reasonOf(code, "It broke.");

  expect(Reason.parse(reason)).toEqual(reason);
  expect(reason).toMatchObject({ code, message: "It broke." });
  expect(reason.remedy).toMatch(/^[A-Z].*\.$|^[A-Z].*\)\.$/s);
});

test("A reason that the user's own input causes is not called retryable", () => {
  const retryable = reasonCodes.filter((code) => reasonOf(code, "").retryable);

  expect(retryable.toSorted()).toEqual([
    ...["cancelled_by_user", "capture_failed", "disk_full", "internal_error", "no_capacity"],
    ...["pane_lost", "repository_unreachable", "runner_lost", "runner_never_started"],
  ]);
});
