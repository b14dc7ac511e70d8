import fc from "fast-check";
import { expect, test } from "vitest";
import { parseReport, runOrder, sayOrder } from "../../../runner/pane/protocol.ts";

const text = fc.string({ unit: "binary", maxLength: 40 }).filter((value) => !value.includes("\0"));
const variable = text.filter((value) => value !== "" && !value.includes("="));

test("An order to run is one line of plain fields, whatever its texts hold", () => {
  fc.assert(
    fc.property(text, text, fc.dictionary(variable, text), (command, workingDirectory, environment) => {
      const order = runOrder({ run: 7, nonce: "abc", command, workingDirectory, environment });
      const [verb, run, nonce, directoryField, uid, gid, groups, commandField, environmentField] = order
        .slice(0, -1)
        .split(" ");
      expect(order.match(/\n/g)).toHaveLength(1);
      expect([verb, run, nonce, uid, gid, groups]).toEqual(["run", "7", "abc", "-", "-", "-"]);
      expect(decoded(directoryField)).toBe(wellFormed(workingDirectory));
      expect(decoded(commandField)).toBe(wellFormed(command));
      const entries = Object.entries(environment).map(([name, value]) => wellFormed(`${name}=${value}`));
      expect(decoded(environmentField)).toBe(entries.join("\0"));
    }),
  );
});

test("An order to run as another user names user, group and groups", () => {
  const order = { run: 1, nonce: "abc", command: "", workingDirectory: "", environment: {} };
  expect(runOrder({ ...order, user: { uid: 1000, gid: 100, groups: [100, 27] } })).toBe(
    "run 1 abc  1000 100 100,27  \n",
  );
  expect(runOrder({ ...order, user: { uid: 1000, gid: 100, groups: [] } })).toBe("run 1 abc  1000 100 100  \n");
});

test.each([
  { command: "a\0b" },
  { workingDirectory: "/a\0b" },
  { environment: { NAME: "a\0INJECTED=b" } },
  { environment: { "NAME=x": "a" } },
  { environment: { "": "a" } },
])("An order that no process could be given is refused: %j", (part) => {
  const order = { run: 1, nonce: "abc", command: "true", workingDirectory: "/", environment: {}, ...part };
  expect(() => runOrder(order)).toThrow(TypeError);
});

test("A text for the watcher stays one line and cannot steer the terminal", () => {
  expect(sayOrder("계획\nexit\x1b[2J\x9b1m끝")).toBe("say 계획 exit [2J 1m끝\n");
});

test("Reports are read as the wrapper writes them", () => {
  expect(parseReport("hello planner 42")).toEqual({ kind: "hello", role: "planner", processId: 42 });
  expect(parseReport("ended 3 exit 127")).toEqual({ kind: "ended", run: 3, end: { kind: "exited", exitCode: 127 } });
  expect(parseReport("ended 3 signal 15")).toEqual({
    kind: "ended",
    run: 3,
    end: { kind: "signalled", signal: "SIGTERM" },
  });
  expect(parseReport("ended 3 signal 40")).toEqual({
    kind: "ended",
    run: 3,
    end: { kind: "signalled", signal: "SIG40" },
  });
});

test.each([[""], ["hello planner"], ["hello pl anner 4"], ["ended 3 exit"], ["ended 3 died 1"], ["ended 3 exit -1"]])(
  "The report %j is refused",
  (line) => {
    expect(() => parseReport(line)).toThrow(/unknown report/);
  },
);

function decoded(field: string | undefined): string {
  return Buffer.from(field ?? "", "hex").toString();
}

/** As UTF-8 has it: half a surrogate pair becomes the replacement character. */
function wellFormed(value: string): string {
  return value.toWellFormed();
}
