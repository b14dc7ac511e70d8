import { appendFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Spool } from "../../../runner/tmux/spool-reader.ts";

async function createSpool() {
  const directory = await mkdtemp(join(tmpdir(), "omx-spool-"));
  const spool = await Spool.create(join(directory, "planner.spool"));
  return {
    spool,
    async [Symbol.asyncDispose]() {
      await spool[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

async function next(chunks: AsyncGenerator<Uint8Array>): Promise<string | undefined> {
  const { value, done } = await chunks.next();
  return done ? undefined : Buffer.from(value).toString();
}

test("What is appended while the reader waits at the end reaches it", async () => {
  await using created = await createSpool();
  const chunks = created.spool.chunks(new AbortController().signal);
  for (const text of ["one", "둘", "three"]) {
    const reading = next(chunks);
    await appendFile(created.spool.path, text);
    expect(await reading).toBe(text);
  }
});

test("What was appended before the spool was declared complete is still read, and then the chunks end", async () => {
  await using created = await createSpool();
  const complete = new AbortController();
  const chunks = created.spool.chunks(complete.signal);
  const reading = next(chunks);
  await appendFile(created.spool.path, "first");
  expect(await reading).toBe("first");
  const waiting = next(chunks);
  complete.abort();
  expect(await waiting).toBeUndefined();
  await appendFile(created.spool.path, "last");
  const late = created.spool.chunks(complete.signal);
  expect(await next(late)).toBe("last");
  expect(await next(late)).toBeUndefined();
});

test("Large content comes in order, in chunks of at most 64 KiB", async () => {
  await using created = await createSpool();
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  await appendFile(created.spool.path, content);
  const complete = new AbortController();
  complete.abort();
  const chunks: Uint8Array[] = [];
  for await (const chunk of created.spool.chunks(complete.signal)) chunks.push(chunk);
  expect(Math.max(...chunks.map((chunk) => chunk.length))).toBe(65_536);
  expect(Buffer.concat(chunks).equals(content)).toBe(true);
});

test("A restart forgets the content, and appending goes on at the front", async () => {
  await using created = await createSpool();
  await appendFile(created.spool.path, "old");
  await created.spool.restart();
  expect(await created.spool.sizeBytes()).toBe(0);
  await appendFile(created.spool.path, "new");
  expect(await next(created.spool.chunks(new AbortController().signal))).toBe("new");
});

test("The file is its owner's alone, cannot be taken over, and is gone after use", async () => {
  await using created = await createSpool();
  expect((await stat(created.spool.path)).mode & 0o777).toBe(0o600);
  await expect(Spool.create(created.spool.path)).rejects.toThrow("EEXIST");
  await created.spool[Symbol.asyncDispose]();
  await expect(stat(created.spool.path)).rejects.toThrow("ENOENT");
});
