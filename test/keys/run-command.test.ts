import { describe, expect, test } from "vitest";
import { isSecret } from "../../adapters/key-secret.ts";
import { parseAuthorization } from "../../core/api-key.ts";
import { parseCommandLine } from "../../keys/command-line.ts";
import { KeyNotFound, runCommand } from "../../keys/run-command.ts";
import { inMemoryApiKeys } from "../fakes/in-memory-api-keys.ts";
import { testKey } from "../helpers/api-keys.ts";

const now = new Date("2026-06-01T00:00:00.000Z");

function tableWith() {
  const keys = inMemoryApiKeys();
  const table = { keys, name: "table t", remedy: "", [Symbol.dispose]: () => {} };
  async function run(line: string) {
    const command = parseCommandLine(line.split(" "));
    if (command === "help") throw new Error("Not a command.");
    return runCommand(command, table, now);
  }
  return { keys, run };
}

describe("create", () => {
  test("prints the key alone, once; what is stored is its hash", async () => {
    const { keys, run } = tableWith();

    const { output, remark } = await run("create --tenant acme --name ci --scopes jobs:read --expires-days 2");

    const { keyId = "", secret = "" } = parseAuthorization(`Bearer ${output.trimEnd()}`) ?? {};
    const key = await keys.get(keyId);
    expect(key).toEqual({
      ...{ keyId, tenantId: "acme", name: "ci", scopes: ["jobs:read"], secretHash: expect.any(String) },
      ...{ createdAt: now.toISOString(), validUntil: "2026-06-03T00:00:00.000Z", disabledAt: null },
    });
    expect(isSecret(secret, key?.secretHash ?? "")).toBe(true);
    expect(JSON.stringify([key, remark])).not.toContain(secret);
    expect(remark).toContain("tenant acme with jobs:read, valid until 2026-06-03T00:00:00.000Z, in table t.");
  });

  test("makes one that is valid until it is disabled, if nothing else is said", async () => {
    const { keys, run } = tableWith();

    expect((await run("create --tenant acme")).remark).toContain("jobs:read, jobs:write, valid until it is disabled");

    expect(await Array.fromAsync(keys.list())).toMatchObject([{ validUntil: null, name: "" }]);
  });
});

describe("list", () => {
  test("shows whose each key is, what it may do and whether it still may, and no hash", async () => {
    const { keys, run } = tableWith();
    const listed = [
      testKey({ tenantId: "a", keyId: "00000000000A", createdAt: "2026-01-01T00:00:00.000Z", name: "빌드 서버" }),
      testKey({ tenantId: "b", keyId: "00000000000B", createdAt: "2026-01-01T00:00:00.000Z", scopes: ["jobs:read"] }),
      testKey({
        tenantId: "c",
        keyId: "00000000000C",
        createdAt: "2026-01-01T00:00:00.000Z",
        validUntil: now.toISOString(),
      }),
    ];
    for (const { key } of listed) await keys.create(key);
    await keys.disable("00000000000B", now);

    const { output, remark } = await run("list");

    expect(output).toBe(`\
KEY           TENANT  STATE     SCOPES                CREATED                   VALID UNTIL               NAME
00000000000A  a       active    jobs:read,jobs:write  2026-01-01T00:00:00.000Z  -                         빌드 서버
00000000000B  b       disabled  jobs:read             2026-01-01T00:00:00.000Z  -
00000000000C  c       expired   jobs:read,jobs:write  2026-01-01T00:00:00.000Z  2026-06-01T00:00:00.000Z
`);
    expect(remark).toBe("3 keys in table t.\n");
    expect((await run("list --tenant b")).remark).toBe("1 key in table t.\n");
  });

  test("of nothing prints nothing, and says so beside it", async () => {
    expect(await tableWith().run("list --tenant nobody")).toEqual({ output: "", remark: "0 keys in table t.\n" });
  });
});

describe("disable", () => {
  test("ends a key, once and for all, and says from when on", async () => {
    const { keys, run } = tableWith();
    const { keyId } = testKey().key;
    await keys.create(testKey({ keyId, tenantId: "acme" }).key);

    const { output, remark } = await run(`disable ${keyId}`);

    expect(output).toBe(`${keyId}\n`);
    expect(remark).toContain("Tenant acme's key is disabled since 2026-06-01T00:00:00.000Z, in table t.");
    expect(remark).toContain("60 seconds more");
    expect(await keys.get(keyId)).toMatchObject({ disabledAt: now.toISOString() });
  });

  test("of a key that is not there says where to look", async () => {
    const answer = tableWith().run("disable 0123456789AB");

    await expect(answer).rejects.toThrow(KeyNotFound);
    await expect(answer).rejects.toThrow("There is no key 0123456789AB in table t; `npm run keys -- list` shows");
  });
});
