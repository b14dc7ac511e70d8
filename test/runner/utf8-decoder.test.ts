import fc from "fast-check";
import { expect, test } from "vitest";
import { createUtf8Decoder } from "../../runner/utf8-decoder.ts";

const whole = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** Characters of every length, broken ones, and bytes that are in no character. */
const bytes = fc
  .array(
    fc.oneof(
      fc
        .string({ unit: fc.constantFrom("a", "é", "한", "🙂", "\ufeff"), maxLength: 4 })
        .map((text) => Buffer.from(text)),
      fc.constantFrom("🙂", "한", "é").chain((text) => {
        const encoded = Buffer.from(text);
        return fc.nat(encoded.length).map((end) => encoded.subarray(0, end));
      }),
      fc.uint8Array({ maxLength: 4 }),
      fc.uint8Array({ min: 0x80, max: 0xff, maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

test("Any split of any bytes gives what a TextDecoder gives for the whole.", () => {
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(60)), (all, cuts) => {
      const decoder = createUtf8Decoder();
      const edges = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
      const pieces = edges.slice(1).map((end, index) => decoder.push(all.subarray(edges[index], end)));
      expect(pieces.join("") + decoder.flush()).toBe(whole(all));
    }),
    { numRuns: 1_000 },
  );
});

test("What is held back is the beginning of one character, and what was given stands on its own.", () => {
  fc.assert(
    fc.property(bytes, (all) => {
      const decoder = createUtf8Decoder();
      const text = decoder.push(all);
      const shownBytes = all.length - decoder.heldBytes;
      expect(text).toBe(whole(all.subarray(0, shownBytes)));
      expect(decoder.heldBytes).toBeLessThanOrEqual(3);
      decoder.flush();
      expect(decoder.heldBytes).toBe(0);
    }),
    { numRuns: 1_000 },
  );
});

test("A character is held back byte by byte until it is whole.", () => {
  const decoder = createUtf8Decoder();
  const steps = [...Buffer.from("🙂한")].map((byte) => [decoder.push(Uint8Array.of(byte)), decoder.heldBytes]);
  expect(steps).toEqual([
    ["", 1],
    ["", 2],
    ["", 3],
    ["🙂", 0],
    ["", 1],
    ["", 2],
    ["한", 0],
  ]);
});

test("A character that never comes whole ends as a replacement character.", () => {
  const decoder = createUtf8Decoder();
  expect(decoder.push(Buffer.from("한").subarray(0, 2))).toBe("");
  expect(decoder.flush()).toBe("\ufffd");
  expect(decoder.flush()).toBe("");
});

test.each([0xff, 0xf8, 0xc0, 0xf5])("A byte that begins no character is not waited for: %i.", (byte) => {
  const decoder = createUtf8Decoder();
  expect(decoder.push(Uint8Array.of(byte))).toBe("\ufffd");
  expect(decoder.heldBytes).toBe(0);
});

test("What is held back stays what it was when the caller uses its buffer again.", () => {
  const decoder = createUtf8Decoder();
  const buffer = Buffer.from("한").subarray(0, 2);
  decoder.push(buffer);
  buffer.fill(0x61);
  expect(decoder.push(Buffer.from("한").subarray(2))).toBe("한");
});
