import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyId, KeyName, keyIdOf, keyState, keyText, parseAuthorization, TenantId } from "../../core/api-key.ts";
import { testKey } from "../helpers/api-keys.ts";

const keyId = fc.uint8Array({ minLength: 12, maxLength: 12 }).map(keyIdOf);
const hexDigits = [..."0123456789abcdef"];
const secret = fc.string({ unit: fc.constantFrom(...hexDigits), minLength: 48, maxLength: 48 });
const presented = fc.record({ keyId, secret });
const scheme = fc.mixedCase(fc.constant("bearer"));

describe("the header of a request", () => {
  test("gives back the key that was put into it, whatever case the scheme is in", () => {
    const spaces = fc.nat({ max: 3 }).map((count) => " ".repeat(count));

    fc.assert(
      fc.property(presented, scheme, spaces, spaces, (key, word, before, after) => {
        expect(parseAuthorization(`${word} ${before}${keyText(key)}${after}`)).toEqual(key);
      }),
    );
  });

  test("gives nothing where one character of the key is missing, too many or another", () => {
    const change = fc.record({
      at: fc.nat({ max: 64 }),
      remove: fc.nat({ max: 1 }),
      insert: fc.string({ unit: "binary", maxLength: 1 }),
    });

    fc.assert(
      fc.property(presented, change, (key, { at, remove, insert }) => {
        const text = keyText(key);
        const changed = text.slice(0, at) + insert + text.slice(at + remove);
        const parsed = parseAuthorization(`Bearer ${changed}`);
        // A character may be changed into another that could stand there; a space at the end is no part of the key.
        expect(parsed === undefined || keyText(parsed) === changed.trimEnd()).toBe(true);
        if (changed.trimEnd().length !== text.length) expect(parsed).toBeUndefined();
      }),
    );
  });

  test("gives nothing, and never throws, whatever else stands there", () => {
    const pieces = fc.constantFrom("Bearer", "bearer ", "omx_", "_", " ", ",", "Basic ", "\n", "omx_0123456789AB_");
    const anything = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(pieces).map((some) => some.join("")),
    );

    fc.assert(
      fc.property(anything, (header) => {
        expect(parseAuthorization(header)).toBeUndefined();
      }),
    );
  });

  test.each([
    ["another scheme", (key: string) => `Basic ${key}`],
    ["no scheme", (key: string) => key],
    ["no space", (key: string) => `Bearer${key}`],
    ["two keys", (key: string) => `Bearer ${key} ${key}`],
    ["two headers made one", (key: string) => `Bearer ${key}, Bearer ${key}`],
    ["a secret in upper case", (key: string) => `Bearer ${key.replace(/_[^_]+$/, (end) => end.toUpperCase())}`],
    ["an id in lower case", (key: string) => `Bearer ${key.toLowerCase()}`],
    ["a line more", (key: string) => `Bearer ${key}\nX-Tenant: other`],
  ])("gives nothing for %s", (_what, header) => {
    expect(parseAuthorization(header(`omx_9F3K2M7Q4R1T_${"0a".repeat(24)}`))).toBeUndefined();
  });

  test("is looked through at once, however long it is", () => {
    expect(parseAuthorization(`Bearer ${" ".repeat(1_000_000)}omx_${"_".repeat(1_000_000)}`)).toBeUndefined();
  });
});

describe("the id of a key", () => {
  test("is one whatever bytes it is made of", () => {
    fc.assert(
      fc.property(keyId, (id) => {
        expect(KeyId.parse(id)).toBe(id);
      }),
    );
  });

  test("is as likely to be any other: each character stands for eight bytes", () => {
    const every = keyIdOf(Uint8Array.from({ length: 256 }, (_, byte) => byte));
    const counts = Object.values(Object.groupBy(every, (character) => character)).map((some) => some?.length);

    expect(counts).toEqual(new Array(32).fill(8));
  });
});

describe("a key", () => {
  const now = new Date("2026-06-01T00:00:00.000Z");

  test.each([
    ["active", null, null],
    ["active", "2026-06-01T00:00:00.001Z", null],
    ["expired", "2026-06-01T00:00:00.000Z", null],
    ["expired", "2020-01-01T00:00:00.000Z", null],
    ["disabled", null, "2026-01-01T00:00:00.000Z"],
    ["disabled", "2020-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"],
    // Whoever disabled it had a clock of their own.
    ["disabled", null, "2026-06-01T00:00:05.000Z"],
  ])("is %s where it is valid until %s and disabled at %s", (state, validUntil, disabledAt) => {
    expect(keyState(testKey({ validUntil, disabledAt }).key, now)).toBe(state);
  });
});

describe("a name", () => {
  test.each(["a", "acme", "team-1.prod_x", "A".repeat(64)])("of a tenant may be %s", (name) => {
    expect(TenantId.parse(name)).toBe(name);
  });

  test.each(["", "-a", ".", "a#b", "a b", "a/b", "a\n", "한국", "A".repeat(65)])(
    "of a tenant may not be %j",
    (name) => {
      expect(TenantId.safeParse(name).success).toBe(false);
    },
  );

  test.each(["\u001b[2J", "a\nb", "\u202e", "A".repeat(65)])(
    "of a key may not be %j: it is shown in terminals",
    (name) => {
      expect(KeyName.safeParse(name).success).toBe(false);
    },
  );
});
