/** Acts every so many seconds, until disposed of. */
export function repeatedly(seconds: number, act: () => void): Disposable {
  const timer = setInterval(act, seconds * 1_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Starts `act` when called; calls that come while it runs bring about one more run after it. Failures are told, not thrown. */
export function oneAtATime(act: () => Promise<void>, log: (line: string) => void): () => void {
  let isRunning = false;
  let isWanted = false;
  const run = async () => {
    isRunning = true;
    while (isWanted) {
      isWanted = false;
      await act().catch((error: unknown) => log(`reconcile failed: ${error}`));
    }
    isRunning = false;
  };
  return () => {
    isWanted = true;
    if (!isRunning) void run();
  };
}
