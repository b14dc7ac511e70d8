/** What one `push` learned: bytes certain to stand before the marker, and, once it was found, the bytes behind it. */
interface ScanResult {
  readonly before: Uint8Array;
  readonly after: Uint8Array | undefined;
}

/** Finds the first occurrence of a marker in a stream of chunks. Not to be pushed to again once it was found. */
export interface MarkerScanner {
  push(chunk: Uint8Array): ScanResult;
  /** The bytes held back because they might have begun the marker. */
  rest(): Uint8Array;
}

export function createMarkerScanner(marker: Uint8Array): MarkerScanner {
  let heldBack: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = Buffer.concat([heldBack, chunk]);
      const at = bytes.indexOf(marker);
      if (at >= 0) {
        heldBack = Buffer.alloc(0);
        return { before: bytes.subarray(0, at), after: bytes.subarray(at + marker.length) };
      }
      const certain = bytes.length - beginningOfMarkerLength(bytes, marker);
      heldBack = bytes.subarray(certain);
      return { before: bytes.subarray(0, certain), after: undefined };
    },
    rest: () => heldBack,
  };
}

/** How many bytes at the end of `bytes` may be the beginning of the marker. */
function beginningOfMarkerLength(bytes: Buffer, marker: Uint8Array): number {
  let length = Math.min(marker.length - 1, bytes.length);
  while (length > 0 && !bytes.subarray(bytes.length - length).equals(marker.subarray(0, length))) length -= 1;
  return length;
}
