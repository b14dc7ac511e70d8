import { once } from "node:events";

/** Resolves when the process is told to stop: Ctrl-C, a closed terminal, or a service manager. */
export async function stopSignal(): Promise<void> {
  await Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)));
}
