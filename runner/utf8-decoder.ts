export interface Utf8Decoder {
  /** The text of the bytes so far, up to the last whole character. */
  push(bytes: Uint8Array): string;
  /** What is left of a character that never came whole. */
  flush(): string;
  /** Bytes of a character that has not come whole yet: 0 to 3. */
  readonly heldBytes: number;
}

/** Like a streaming TextDecoder, but tells how much it holds back: event offsets count the bytes that were shown. */
export function createUtf8Decoder(): Utf8Decoder {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let held: Uint8Array = new Uint8Array();
  return {
    push(bytes) {
      const all = held.length > 0 ? Buffer.concat([held, bytes]) : bytes;
      const end = all.length - incompleteTailBytes(all);
      // A copy: the caller may use its buffer again.
      held = Uint8Array.from(all.subarray(end));
      return decoder.decode(all.subarray(0, end));
    },
    flush() {
      const rest = decoder.decode(held);
      held = new Uint8Array();
      return rest;
    },
    get heldBytes() {
      return held.length;
    },
  };
}

/** How many bytes at the end begin a character that needs more bytes than are there. */
function incompleteTailBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    return characterBytes(byte) > back ? back : 0;
  }
  return 0;
}

/** 1 also for bytes that begin no character (RFC 3629): there is nothing to wait for. */
function characterBytes(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 1;
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}
