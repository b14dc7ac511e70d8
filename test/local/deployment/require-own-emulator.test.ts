import { expect, test } from "vitest";
import { CannotGoOn } from "../../../local/deployment/cannot-go-on.ts";
import { requireOwnEmulator } from "../../../local/deployment/require-own-emulator.ts";

const localStack = { endpoint: "http://127.0.0.1:4566" };
const ministack = { endpoint: "http://127.0.0.1:4590" };

test.each([
  ["local:up has started none", undefined],
  ["local:up has started another", ministack],
])("The tests do not run on another emulator, and it is said why: %s", (_what, running) => {
  const tested = () => requireOwnEmulator(localStack, running);

  expect(tested).toThrow(CannotGoOn);
  expect(tested).toThrow(
    /^The deployment is on http:\/\/127\.0\.0\.1:4566, which local:up has not started.*local:deploy\.$/,
  );
});

test("They do on the one that local:up has started", () => {
  expect(() => requireOwnEmulator(ministack, ministack)).not.toThrow();
});
