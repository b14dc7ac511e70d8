import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

interface DynamoProcess extends AsyncDisposable {
  readonly endpoint: string;
  /** Resolves to the exit code and the signal. */
  readonly exit: Promise<[number | null, string | null]>;
  /** Ends the process the regular way; resolves as `exit`. */
  stop(): Promise<[number | null, string | null]>;
}

/** Runs dynamo-process.ts with these arguments. */
export async function startDynamoProcess(...parameters: string[]): Promise<DynamoProcess> {
  const script = fileURLToPath(new URL("dynamo-process.ts", import.meta.url));
  const child = spawn(process.execPath, [script, ...parameters], { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit") as DynamoProcess["exit"];
  const stop = () => {
    child.stdin.end();
    return exit;
  };
  const [endpoint] = await once(child.stdout, "data");
  return { endpoint: String(endpoint), exit, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}
