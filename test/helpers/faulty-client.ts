/** What goes wrong with one request on its way. */
export type Fault =
  /** Refused because too much is asked at once. */
  | "throttled"
  /** Refused with a 500. */
  | "server_error"
  /** Carried out, and its answer lost. */
  | "answer_lost"
  /** Carried out for the first of its keys only: the others are named as not processed (BatchGetItem). */
  | "half_done";

/** Says for each request, by its command's name (`PutItem`) and its body, what goes wrong with it. */
export type FaultPlan = (command: string, body: string) => Fault | undefined;

/** The parts of an SDK client's middleware that are on the wire: below its retries, above its HTTP. */
interface WireRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}
type Call = { readonly request: WireRequest };
type Send = (call: Call) => Promise<{ response: unknown }>;

/** A client of any service. */
export interface FaultyClient {
  readonly middlewareStack: {
    add(middleware: unknown, options: object): void;
    remove(name: string): boolean;
  };
}

export interface Faults extends Disposable {
  /** Every fault so far, in order. */
  readonly injected: readonly { readonly command: string; readonly fault: Fault }[];
}

/** Has requests of the real client fail as the plan says, until disposed of. Its retries meet the plan anew. */
export function injectFaults(client: FaultyClient, plan: FaultPlan): Faults {
  const injected: { command: string; fault: Fault }[] = [];
  const name = `faults-${crypto.randomUUID()}`;
  const middleware = (next: Send, context: { readonly commandName?: string }): Send => {
    const command = (context.commandName ?? "").replace(/Command$/, "");
    return async (call) => {
      const fault = plan(command, textOf(call.request));
      if (fault === undefined) return next(call);
      injected.push({ command, fault });
      return fail(fault, next, call);
    };
  };
  client.middlewareStack.add(middleware, { step: "deserialize", priority: "low", name });
  return { injected, [Symbol.dispose]: () => void client.middlewareStack.remove(name) };
}

async function fail(fault: Fault, next: Send, call: Call): Promise<{ response: unknown }> {
  switch (fault) {
    case "throttled":
      return answer(400, { __type: "ThrottlingException", message: "Rate exceeded" });
    case "server_error":
      return answer(500, { __type: "InternalServerError", message: "Internal server error" });
    case "answer_lost": {
      await next(call);
      // What the SDK's HTTP handler throws when no answer comes in time.
      throw Object.assign(new Error("The request took too long."), { name: "TimeoutError" });
    }
    case "half_done":
      return halfDone(next, call);
  }
}

function answer(statusCode: number, content: object) {
  const headers = { "content-type": "application/x-amz-json-1.0" };
  return { response: { statusCode, headers, body: Buffer.from(JSON.stringify(content)) } };
}

function textOf({ body }: WireRequest): string {
  return new TextDecoder().decode(body);
}

interface BatchOfKeys {
  readonly RequestItems: Readonly<Record<string, { readonly Keys: readonly unknown[] }>>;
}

async function halfDone(next: Send, call: Call): Promise<{ response: unknown }> {
  const { request } = call;
  const { RequestItems, ...others } = JSON.parse(textOf(request)) as BatchOfKeys;
  const [tableName = "", { Keys, ...more } = { Keys: [] }] = Object.entries(RequestItems)[0] ?? [];
  const half = Math.ceil(Keys.length / 2);
  const body = Buffer.from(
    JSON.stringify({ ...others, RequestItems: { [tableName]: { ...more, Keys: Keys.slice(0, half) } } }),
  );
  const headers = { ...request.headers, "content-length": String(body.length) };
  const { response } = (await next({ ...call, request: { ...request, headers, body } })) as {
    response: { body: AsyncIterable<Buffer> };
  };
  const content = JSON.parse(Buffer.concat(await Array.fromAsync(response.body)).toString());
  const rest = Keys.slice(half);
  return answer(200, {
    ...content,
    UnprocessedKeys: rest.length === 0 ? {} : { [tableName]: { ...more, Keys: rest } },
  });
}

/** This fault for the first requests of a command, or for all of them. */
export function faultOf(fault: Fault, command: string, times = 1): FaultPlan {
  let left = times;
  return (name) => (name === command && left-- > 0 ? fault : undefined);
}

/** One of these faults for every so-manieth request, by chance: the same seed makes the same faults. */
export function seededFaults(seed: number, oneIn: number, faults: readonly Fault[]): FaultPlan {
  const random = mulberry32(seed);
  return (command) => {
    const [isHit, which] = [random() < 1 / oneIn, random()];
    if (!isHit) return undefined;
    const fault = faults[Math.floor(which * faults.length)];
    return fault === "half_done" && command !== "BatchGetItem" ? undefined : fault;
  };
}

/** Numbers from 0 to 1 (Tommy Ettinger's generator of 2017, in the public domain). */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
