import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import * as z from "zod";

/** The ports of the emulators: runners that outlive the stack find it again at the same ones after its next start. */
const Ports = z.object({ dynamo: z.int(), sqs: z.int(), ecs: z.int() });
export type Ports = z.infer<typeof Ports>;

const anyPort: Ports = { dynamo: 0, sqs: 0, ecs: 0 };

/** The ports of the last start where they are still free; 0, for any, where not. */
export async function rememberedPorts(directory: string | undefined): Promise<Ports> {
  if (directory === undefined) return anyPort;
  const text = await readFile(join(directory, "ports.json"), "utf8").catch(() => undefined);
  if (text === undefined) return anyPort;
  const { dynamo, sqs, ecs } = Ports.parse(JSON.parse(text));
  return { dynamo: await freeOrAny(dynamo), sqs: await freeOrAny(sqs), ecs: await freeOrAny(ecs) };
}

export async function rememberPorts(
  directory: string | undefined,
  endpoints: Record<keyof Ports, string>,
): Promise<void> {
  if (directory === undefined) return;
  const ports = Object.fromEntries(Object.entries(endpoints).map(([name, url]) => [name, Number(new URL(url).port)]));
  await writeFile(join(directory, "ports.json"), JSON.stringify(Ports.parse(ports)));
}

async function freeOrAny(port: number): Promise<number> {
  const probe = createServer();
  const { promise, resolve } = Promise.withResolvers<number>();
  probe.once("error", () => resolve(0));
  probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(port)));
  return promise;
}
