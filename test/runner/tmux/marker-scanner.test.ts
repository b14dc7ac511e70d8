import fc from "fast-check";
import { expect, test } from "vitest";
import { createMarkerScanner } from "../../../runner/tmux/marker-scanner.ts";

// Two letters and markers that overlap themselves, so that near misses and false beginnings are the rule.
const bytes = (maxLength: number) => fc.array(fc.constantFrom(97, 98), { maxLength }).map((list) => Buffer.from(list));
const marker = bytes(6).filter((candidate) => candidate.length > 0);

/** Pushes the stream cut at the given sizes; ends at the marker. */
function scan(stream: Buffer, sizes: readonly number[], sought: Buffer) {
  const scanner = createMarkerScanner(sought);
  const before: Uint8Array[] = [];
  let start = 0;
  for (let cut = 0; start < stream.length; cut += 1) {
    const end = start + (sizes[cut % sizes.length] ?? 1);
    const result = scanner.push(stream.subarray(start, end));
    before.push(result.before);
    if (result.after)
      return { before: Buffer.concat(before), after: Buffer.concat([result.after, stream.subarray(end)]) };
    start = end;
  }
  return { before: Buffer.concat(before), rest: Buffer.from(scanner.rest()) };
}

const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 });

test("However the stream is cut, it is parted at the first occurrence of the marker", () => {
  fc.assert(
    fc.property(bytes(30), bytes(30), marker, sizes, (head, tail, sought, cuts) => {
      const stream = Buffer.concat([head, sought, tail]);
      const first = stream.indexOf(sought);
      const found = scan(stream, cuts, sought);
      expect(found.before).toEqual(stream.subarray(0, first));
      expect(found.after).toEqual(stream.subarray(first + sought.length));
    }),
  );
});

test("Without the marker every byte is handed on, but for an end that may yet become the marker", () => {
  fc.assert(
    fc.property(bytes(40), marker, sizes, (stream, sought, cuts) => {
      fc.pre(!stream.includes(sought));
      const { before, rest } = scan(stream, cuts, sought);
      expect(Buffer.concat([before, rest ?? Buffer.from("found")])).toEqual(stream);
      expect(sought.subarray(0, rest?.length)).toEqual(rest);
    }),
  );
});

test("A beginning of the marker that comes to nothing is handed on with the next bytes", () => {
  const scanner = createMarkerScanner(Buffer.from("\x1b]end"));
  expect(Buffer.from(scanner.push(Buffer.from("ok\x1b]e")).before).toString()).toBe("ok");
  expect(Buffer.from(scanner.push(Buffer.from("asy")).before).toString()).toBe("\x1b]easy");
});
