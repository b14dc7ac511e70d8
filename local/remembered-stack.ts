import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import * as z from "zod";

/** By what runners that outlive the stack find it again after its next start, and are known to it. */
const RememberedStack = z.object({
  dynamo: z.int(),
  sqs: z.int(),
  ecs: z.int(),
  /** The emulators answer to it alone. */
  accessKeyId: z.string().min(16),
});
export type RememberedStack = z.infer<typeof RememberedStack>;

/** As at the last start, but for ports that are no longer free: 0, for any. What cannot be read is as if it were new. */
export async function rememberedStack(directory: string | undefined): Promise<RememberedStack> {
  const known = directory === undefined ? undefined : await readStack(directory).catch(() => undefined);
  if (known === undefined) return { dynamo: 0, sqs: 0, ecs: 0, accessKeyId: randomBytes(16).toString("hex") };
  const [dynamo, sqs, ecs] = [known.dynamo, known.sqs, known.ecs].map(freeOrAny);
  return { ...known, dynamo: (await dynamo) ?? 0, sqs: (await sqs) ?? 0, ecs: (await ecs) ?? 0 };
}

export async function rememberStack(directory: string | undefined, stack: RememberedStack): Promise<void> {
  if (directory === undefined) return;
  const file = join(directory, "stack.json");
  await writeFile(`${file}.new`, JSON.stringify(RememberedStack.parse(stack)), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** As it was left there by the last start. Rejects where there is none. */
export async function readStack(directory: string): Promise<RememberedStack> {
  return RememberedStack.parse(JSON.parse(await readFile(join(directory, "stack.json"), "utf8")));
}

async function freeOrAny(port: number): Promise<number> {
  const probe = createServer();
  const { promise, resolve } = Promise.withResolvers<number>();
  probe.once("error", () => resolve(0));
  probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(port)));
  return promise;
}
