import { text } from "node:stream/consumers";

export interface ServerSentEvent {
  readonly id: number | undefined;
  /** Absent where the block only moves the id on. */
  readonly data: unknown;
}

/** The blocks of a stream that have an id, in order. */
export function parseEvents(stream: string): ServerSentEvent[] {
  const blocks = stream.split("\n\n").map((block) => block.split("\n"));
  const fieldOf = (lines: readonly string[], name: string) =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  return blocks.flatMap((lines) => {
    const [id, data] = [fieldOf(lines, "id"), fieldOf(lines, "data")];
    if (id === undefined && data === undefined) return [];
    return [{ id: id === undefined ? undefined : Number(id), data: data === undefined ? undefined : JSON.parse(data) }];
  });
}

/** The whole of a stream that ends itself. */
export async function allEvents(response: Response): Promise<ServerSentEvent[]> {
  if (response.body === null) return [];
  return parseEvents(await text(response.body));
}
