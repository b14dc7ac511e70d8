/** To be imported ahead of a program that is forked: answers each message with the heap that is in use after a collection. */
process.on("message", () => {
  globalThis.gc?.();
  process.send?.(process.memoryUsage().heapUsed);
});
