import type { StartPorts } from "../../core/lifecycle/lifecycle-ports.ts";

class Death extends Error {}

/** Lets a process act on the ports until it dies. */
export type DieIn = (ports: StartPorts, act: (ports: StartPorts) => Promise<unknown>) => Promise<void>;

/**
 * Plays a scene again and again. Its process dies before its first call, then after one call, after two …, until it
 * survives. Answers how often it died: so many calls it makes.
 */
export async function withEveryDeath(play: (dieIn: DieIn, calls: number) => Promise<void>): Promise<number> {
  for (let calls = 0; ; calls++) {
    let hasDied = false;
    await play(async (ports, act) => {
      const dying = dyingPorts(ports, calls);
      // It may catch its own death, as it catches what goes wrong with a single job.
      await act(dying.ports).catch((error: unknown) => {
        if (!(error instanceof Death)) throw error;
      });
      hasDied = dying.hasDied();
    }, calls);
    if (!hasDied) return calls;
  }
}

function dyingPorts(ports: StartPorts, calls: number): { ports: StartPorts; hasDied: () => boolean } {
  let left = calls;
  const dying = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name, receiver) {
        const method: unknown = Reflect.get(target, name, receiver);
        // A listing only reads: its process dies before, or at what it does next.
        if (typeof method !== "function" || method.constructor.name === "AsyncGeneratorFunction") return method;
        return async (...parameters: unknown[]) => {
          if (left-- <= 0) throw new Death();
          return method.apply(target, parameters);
        };
      },
    });
  const { jobs, events, slots, queue, launcher } = ports;
  return {
    hasDied: () => left < 0,
    ports: {
      ...ports,
      ...{ jobs: dying(jobs), events: dying(events), slots: dying(slots), queue: dying(queue) },
      launcher: dying(launcher),
    },
  };
}
