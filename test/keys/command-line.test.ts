import { describe, expect, test } from "vitest";
import { parseCommandLine, UsageError, usage } from "../../keys/command-line.ts";

const parse = (line: string) => parseCommandLine(line === "" ? [] : line.split(" "));

describe("the command line", () => {
  test.each([
    [
      "create --tenant acme",
      { name: "create", options: { tenant: "acme", name: "", scopes: ["jobs:read", "jobs:write"] } },
    ],
    [
      "create --tenant=acme --name ci --scopes jobs:read,jobs:read --expires-days 30 --table t",
      {
        name: "create",
        options: { tenant: "acme", name: "ci", scopes: ["jobs:read"], "expires-days": 30, table: "t" },
      },
    ],
    ["list", { name: "list", options: {} }],
    ["--data-dir /d list --tenant acme", { name: "list", options: { tenant: "acme", "data-dir": "/d" } }],
    ["disable 0123456789AB", { name: "disable", options: { keyId: "0123456789AB" } }],
    ["--help", "help"],
    ["create -h", "help"],
  ])("says what to do: %s", (line, command) => {
    expect(parse(line)).toEqual(command);
  });

  test.each([
    ["", "Say what to do: create, list or disable."],
    ["remove x", 'There is no command "remove": create, list or disable.'],
    ["create", "--tenant is missing."],
    ["create --tenant a/b", "--tenant must be 1 to 64 letters, digits, dots, dashes or underscores."],
    ["create --tenant a b", '"b" is one word too many after create.'],
    ["create --tenant a --scopes jobs:read,admin", "--scopes must be some of jobs:read,jobs:write."],
    ["create --tenant a --scopes=", "--scopes must be some of jobs:read,jobs:write."],
    ["create --tenant a --expires-days 0", "--expires-days must be a whole number of days from 1 to 9999."],
    ["create --tenant a --expires-days 1e3", "--expires-days must be a whole number of days from 1 to 9999."],
    ["create --tenant a --name \u001b[2J", "--name must be at most 64 printable characters."],
    ["list --name x", "--name is no option of list."],
    ["list --table= ", "--table must not be empty."],
    ["disable", "Say which key: npm run keys -- disable KEY_ID."],
    ["disable 0123456789AB 0123456789AC", "Say which key: npm run keys -- disable KEY_ID."],
    ["disable omx_0123456789AB", "KEY_ID must be the id of a key: 12 characters, upper case, without I, L, O and U."],
    ["disable 0123456789AB --tenant a", "--tenant is no option of disable."],
    ["list --table t --data-dir d", "Say either --table, for a deployment, or --data-dir, for an embedded stack."],
    ["list --quiet", "Unknown option '--quiet'; npm run keys -- --help shows what there is."],
    ["list --tenant", "--help shows what there is."],
  ])("is refused in one sentence: %j", (line, sentence) => {
    expect(() => parse(line.trimEnd())).toThrow(UsageError);
    expect(() => parse(line.trimEnd())).toThrow(sentence);
    expect(() => parse(line.trimEnd())).toThrow(/^[^\n]+\.$/);
  });

  test("is explained: every command and option stands there", () => {
    for (const word of ["create", "list", "disable", "--tenant", "--name", "--scopes", "--expires-days", "--table"])
      expect(usage).toContain(word);
  });
});
