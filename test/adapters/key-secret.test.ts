import { expect, test } from "vitest";
import { hashOfSecret, isSecret, newPresentedKey } from "../../adapters/key-secret.ts";
import { keyText, parseAuthorization } from "../../core/api-key.ts";

test("A new key has the form that is asked for, and is another each time", () => {
  const keys = Array.from({ length: 100 }, newPresentedKey);

  for (const key of keys) expect(parseAuthorization(`Bearer ${keyText(key)}`)).toEqual(key);
  expect(new Set(keys.map(({ keyId }) => keyId)).size).toBe(100);
  expect(new Set(keys.map(({ secret }) => secret)).size).toBe(100);
});

test("A secret is known by its hash, which is SHA-256", () => {
  const { secret } = newPresentedKey();

  expect(hashOfSecret("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(isSecret(secret, hashOfSecret(secret))).toBe(true);
  expect(isSecret(newPresentedKey().secret, hashOfSecret(secret))).toBe(false);
});

test("Nothing is the secret of a hash that is none", () => {
  for (const hash of ["", "ba78", "no hex", "00".repeat(33)]) expect(isSecret("abc", hash)).toBe(false);
});
