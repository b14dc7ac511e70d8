/** Acts every so many seconds, until disposed of. */
export function repeatedly(seconds: number, act: () => void): Disposable {
  const timer = setInterval(act, seconds * 1_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Acts on each event, one at a time and in order, as a function that may run only once at a time does. Failures are told, not thrown. */
export function inTurn(act: (event: object) => Promise<void>, log: (line: string) => void): (event: object) => void {
  let last = Promise.resolve();
  return (event) => {
    last = last.then(() => act(event)).catch((error: unknown) => log(`reconcile failed: ${error}`));
  };
}
