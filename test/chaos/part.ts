/**
 * One part of the chaos runs: says by lines what it found, and answers whether all is well. What it starts it registers
 * in `cleanUp`, which also ends it when the run is broken off.
 */
export type ChaosPart = (log: (line: string) => void, cleanUp: AsyncDisposableStack) => Promise<boolean>;
