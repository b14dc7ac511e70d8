type Kill = (signal: "SIGTERM" | "SIGKILL") => void;

/** SIGTERM once `stop` is aborted, SIGKILL after the timeout; disposing calls off what has not been sent. */
export function terminateWhen(stop: AbortSignal, stopTimeoutSeconds: number, kill: Kill): Disposable {
  let killTimer: NodeJS.Timeout | undefined;
  const terminate = () => {
    kill("SIGTERM");
    killTimer = setTimeout(kill, stopTimeoutSeconds * 1_000, "SIGKILL");
  };
  if (stop.aborted) terminate();
  else stop.addEventListener("abort", terminate);
  return {
    [Symbol.dispose]() {
      stop.removeEventListener("abort", terminate);
      clearTimeout(killTimer);
    },
  };
}

/** A container ends with its first process, and so does what that process left in its group. */
export function killGroup(leaderId: number): void {
  sendSignal(-leaderId, "SIGKILL");
}

/** To a process, or to a group by its negative id. */
export function sendSignal(id: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(id, signal);
  } catch {
    // Nobody was left.
  }
}
