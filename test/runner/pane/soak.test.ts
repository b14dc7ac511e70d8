import { expect, test } from "vitest";
import { agent, run, startSession } from "./session-under-test.ts";

test("Thirty runs of 129 KB, three panes at a time in ten sessions: each complete, each with its own exit code", async () => {
  const roles = ["planner", "executor", "verifier"];
  for (let round = 0; round < 10; round += 1) {
    await using started = await startSession(roles);
    const exits = await Promise.all(
      roles.map(async (role, index) => {
        const { exit } = await run(started.pane(role), agent("prints-129kb", String(round * 3 + index)));
        return exit;
      }),
    );
    for (const [index, exit] of exits.entries()) {
      expect(exit).toMatchObject({ kind: "exited", exitCode: round * 3 + index, outputBytes: 128_894 });
    }
  }
});
