/** Acts every so many seconds, until disposed of. */
export function repeatedly(seconds: number, act: () => void): Disposable {
  const timer = setInterval(act, seconds * 1_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * Acts on each event, one at a time and in order, as a function that may run only once at a time does. An event that
 * still waits for its turn is not put in line again: acting on it later is enough. Failures are told, not thrown.
 */
export function inTurn(act: (event: object) => Promise<void>, log: (line: string) => void): (event: object) => void {
  const waiting = new Set<object>();
  let last = Promise.resolve();
  return (event) => {
    if (waiting.has(event)) return;
    waiting.add(event);
    last = last
      .then(() => {
        waiting.delete(event);
        return act(event);
      })
      .catch((error: unknown) => log(`reconcile failed: ${error}`));
  };
}
