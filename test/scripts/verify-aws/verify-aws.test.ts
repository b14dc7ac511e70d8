import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../../../scripts/verify-aws/main.ts", import.meta.url));
const noEndpoint = "http://127.0.0.1:1";

/** As a person runs it, who has these keys for AWS and no others. */
async function verify(args: readonly string[], endpoint = noEndpoint) {
  const keys = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", AWS_MAX_ATTEMPTS: "1" };
  const env = { PATH: process.env.PATH ?? "", AWS_ENDPOINT_URL: endpoint, ...keys };
  const { exitCode, stderr } = await execa(process.execPath, [main, ...args], { env, extendEnv: false, reject: false });
  return { exitCode, stderr };
}

/** An STS that says whose the keys are. */
async function stsOf(account: string) {
  const server = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/xml");
    response.end(
      `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
        `<Arn>arn:aws:iam::${account}:user/x</Arn><UserId>x</UserId><Account>${account}</Account>` +
        `</GetCallerIdentityResult></GetCallerIdentityResponse>`,
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => void server.close() };
}

test.each([
  ["no account", [], "Say in which account"],
  ["an account that is none", ["--account", "prod"], "has 12 digits"],
  ["an option that it does not know", ["--acount", "1"], "Unknown option '--acount'"],
  ["credentials that nobody answers for", ["--account", "123456789012", "--yes"], "AWS does not say whose credentials"],
])("It refuses %s, and says what to do", async (_what, args, sentence) => {
  expect(await verify(args)).toEqual({ exitCode: 2, stderr: expect.stringContaining(sentence) });
});

test("It refuses another account than the one that was named", async () => {
  using sts = await stsOf("210987654321");

  expect(await verify(["--account", "123456789012", "--yes"], sts.endpoint)).toEqual({
    exitCode: 2,
    stderr: expect.stringMatching(/^The credentials are of account 210987654321 .* --account says 123456789012\.$/),
  });
});

test("It tells what it costs, and does nothing before that is agreed to", async () => {
  using sts = await stsOf("123456789012");

  expect(await verify(["--account", "123456789012"], sts.endpoint)).toEqual({
    exitCode: 2,
    stderr: expect.stringMatching(/^This costs money: add --yes.*\n.*\n.*less than \$0\.30\.$/s),
  });
});
