import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { afterEach, describe, expect, test, vi } from "vitest";
import { authorizer } from "../../functions/authorizer.ts";
import { inMemoryApiKeys } from "../fakes/in-memory-api-keys.ts";
import { type TestKey, testKey } from "../helpers/api-keys.ts";

const now = new Date("2026-06-01T00:00:00.000Z");
const api = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3";
const keys = inMemoryApiKeys();
const decide = authorizer({ keys, now: () => now });

const log = vi.spyOn(process.stderr, "write").mockReturnValue(true);
afterEach(() => void log.mockClear());

async function stored(more: Parameters<typeof testKey>[0] = {}): Promise<TestKey> {
  const made = testKey(more);
  await keys.create(made.key);
  return made;
}

function asked(headers: Record<string, string[]>, path = "GET/v1/jobs"): APIGatewayRequestAuthorizerEvent {
  const requestContext = { requestId: "r-1" } as APIGatewayRequestAuthorizerEvent["requestContext"];
  return {
    ...{ type: "REQUEST", methodArn: `${api}/prod/${path}`, resource: "/v1/jobs", path: "/v1/jobs", httpMethod: "GET" },
    headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: headers,
    ...{ pathParameters: null, queryStringParameters: null, multiValueQueryStringParameters: null },
    ...{ stageVariables: null, requestContext },
  };
}

describe("a valid key", () => {
  test("is allowed the whole stage, since the answer is kept for all its routes, and tells the routes whose it is", async () => {
    const { key, header } = await stored({ tenantId: "acme", scopes: ["jobs:read", "jobs:write"] });

    expect(await decide(asked({ Authorization: [header] }, "POST/v1/jobs/01KB/cancel"))).toEqual({
      principalId: key.keyId,
      policyDocument: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "execute-api:Invoke", Resource: `${api}/prod/*/*` }],
      },
      context: { tenantId: "acme", keyId: key.keyId, scopes: "jobs:read jobs:write" },
    });
    expect(log).not.toHaveBeenCalled();
  });

  test("is found whatever case the header's name is in, and where only single headers are told", async () => {
    const { header } = await stored();

    await decide(asked({ AUTHORIZATION: [header] }));
    await decide({ ...asked({ authorization: [header] }), multiValueHeaders: null });
  });

  test("is valid up to the moment in which it expires", async () => {
    const { header } = await stored({ validUntil: "2026-06-01T00:00:00.001Z" });

    await decide(asked({ Authorization: [header] }));
  });
});

describe("a request is refused with the one word that API Gateway takes for 401", () => {
  const refused = (headers: Record<string, string[]>) =>
    expect(decide(asked(headers))).rejects.toThrow(/^Unauthorized$/);

  test("without a key", async () => {
    await refused({});
    await refused({ Authorization: [] });
    await refused({ Authorization: ["Bearer hunter2"] });
    expect(log).not.toHaveBeenCalled();
  });

  test("with two of them, although both are valid", async () => {
    const [one, other] = [await stored(), await stored()];

    await refused({ Authorization: [one.header, other.header] });
    await refused({ Authorization: [one.header], authorization: [one.header] });
  });

  test.each([
    ["unknown", "wrong", async () => testKey()],
    ["expired", "expired", () => stored({ validUntil: "2026-06-01T00:00:00.000Z" })],
    ["disabled", "disabled", () => stored({ disabledAt: "2026-01-01T00:00:00.000Z" })],
  ])("with a key that is %s; the log says why, without the secret", async (_what, state, make) => {
    const { key, header } = await make();

    await refused({ Authorization: [header] });

    expect(log).toHaveBeenCalledOnce();
    const [line] = log.mock.calls.map(([text]) => String(text));
    expect(JSON.parse(line ?? "")).toMatchObject({ message: "key refused", keyId: key.keyId, state, requestId: "r-1" });
    expect(line).not.toContain(header.split("_")[2]);
  });

  test("with the secret of another key", async () => {
    const [one, other] = [await stored(), await stored()];

    await refused({ Authorization: [`${one.header.slice(0, -48)}${other.header.slice(-48)}`] });
  });

  test("with the hash in the place of the secret, as from a stolen table", async () => {
    const { key, header } = await stored();

    await refused({ Authorization: [`${header.slice(0, -48)}${key.secretHash}`] });
    await refused({ Authorization: [`${header.slice(0, -48)}${key.secretHash.slice(0, 48)}`] });
  });
});

test("A store that fails is no refusal: the caller is not told that the key is wrong", async () => {
  const broken = { ...keys, get: () => Promise.reject(new Error("the table is on fire")) };

  const answer = authorizer({ keys: broken, now: () => now })(asked({ Authorization: [testKey().header] }));

  await expect(answer).rejects.toThrow("the table is on fire");
});
