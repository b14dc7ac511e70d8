import fc from "fast-check";
import { expect, test } from "vitest";
import { TextTail } from "../../runner/text-tail.ts";

const piece = fc.record({ text: fc.string({ minLength: 1 }), bytes: fc.integer({ min: 1, max: 50 }) });

test("The tail is the last pieces, as few as hold the bytes asked for, and tells what it dropped.", () => {
  fc.assert(
    fc.property(fc.array(piece), fc.integer({ min: 1, max: 120 }), (pieces, keepBytes) => {
      const tail = new TextTail(keepBytes);
      for (const { text, bytes } of pieces) tail.push(text, bytes);
      const kept = pieces.slice(pieces.length - tail.pieces.length);
      expect(tail.pieces).toEqual(kept);
      const sum = (some: typeof pieces) => some.reduce((total, { bytes }) => total + bytes, 0);
      expect(tail.bytes).toBe(sum(kept));
      expect(tail.bytes + tail.droppedBytes).toBe(sum(pieces));
      if (tail.droppedBytes > 0) expect(tail.bytes).toBeGreaterThanOrEqual(keepBytes);
      // One piece less would be too little.
      expect(sum(kept.slice(1))).toBeLessThan(keepBytes);
    }),
  );
});

test("A piece larger than what is asked for is kept whole.", () => {
  const tail = new TextTail(3);
  tail.push("first", 5);
  tail.push("second", 6);
  expect(tail.pieces).toEqual([{ text: "second", bytes: 6 }]);
  expect(tail.droppedBytes).toBe(5);
});

test("Nothing pushed is nothing kept.", () => {
  expect(new TextTail(10)).toMatchObject({ pieces: [], bytes: 0, droppedBytes: 0 });
});
