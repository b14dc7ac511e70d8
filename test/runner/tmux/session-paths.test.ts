import { expect, test } from "vitest";
import { SocketPathTooLong, sessionPaths } from "../../../runner/tmux/session-paths.ts";

test("Sockets and one spool for each role lie in the directory", () => {
  const paths = sessionPaths("omx-1", "/run/job", ["planner"]);
  expect(paths.tmuxSocket).toBe("/run/job/tmux.sock");
  expect(paths.controlSocket).toBe("/run/job/control.sock");
  expect(paths.spoolOf("planner")).toBe("/run/job/planner.spool");
});

test("A directory whose sockets no address can hold is refused with a way out", () => {
  const longest = `/${"d".repeat(107 - "/".length - "/control.sock".length)}`;
  expect(sessionPaths("omx-1", longest, ["planner"]).controlSocket).toHaveLength(107);
  expect(() => sessionPaths("omx-1", `${longest}d`, ["planner"])).toThrow(SocketPathTooLong);
  expect(() => sessionPaths("omx-1", `${longest}d`, ["planner"])).toThrow(/shorter directory/);
});

test.each([
  ["/run/a b", "a blank ends a word in the shell"],
  ["/run/%d", "strftime would expand it"],
  ["/run/#{pid}", "tmux would expand it"],
  ["/run/$(id)", "the shell would run it"],
  ["run", "it depends on the working directory"],
])("The directory %s is refused: %s", (directory) => {
  expect(() => sessionPaths("omx-1", directory, ["planner"])).toThrow(RangeError);
});

test.each([[""], ["a:b"], ["a.b"], ["#{pid}"], ["a b"]])("The session name %j is refused", (name) => {
  expect(() => sessionPaths(name, "/run/job", ["planner"])).toThrow(RangeError);
});

test.each([
  [["../planner"]],
  [["#{pid}"]],
  [[""]],
  [[]],
  [["planner", "planner"]],
  [Array.from({ length: 21 }, (_, index) => `role-${index}`)],
])("The roles %j are refused", (roles) => {
  expect(() => sessionPaths("omx-1", "/run/job", roles)).toThrow(RangeError);
});
