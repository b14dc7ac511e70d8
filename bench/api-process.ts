import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import * as z from "zod";

const Urls = z.object({ ours: z.string(), bare: z.string() });

/** The process of `api-server.ts`. */
export interface ApiServer {
  readonly urls: z.infer<typeof Urls>;
  /** CPU time that it has used so far. */
  cpuMicroseconds(): Promise<number>;
}

/** Starts it with this environment and nothing else. */
export async function startApiServer(
  cleanUp: AsyncDisposableStack,
  env: Readonly<Record<string, string>>,
): Promise<ApiServer> {
  const server = fork(fileURLToPath(new URL("api-server.ts", import.meta.url)), { env });
  cleanUp.defer(async () => {
    const exited = once(server, "exit");
    server.kill();
    await exited;
  });
  const nextMessage = async (): Promise<unknown> => (await once(server, "message"))[0];
  return {
    urls: Urls.parse(await nextMessage()),
    async cpuMicroseconds() {
      server.send("cpu");
      return z.number().parse(await nextMessage());
    },
  };
}
