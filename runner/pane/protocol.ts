import { constants } from "node:os";

/** The user a command runs as. Dropping to another user needs a runner that is root. */
export interface UnixUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** What a run is told to do; `nonce` is hexadecimal and known to nobody but the runner and the wrapper. */
export interface RunOrder {
  readonly run: number;
  readonly nonce: string;
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly user?: UnixUser;
}

/** How a command's main process ended, as the wrapper saw it. */
export type ProcessEnd =
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signalled"; readonly signal: string };

export type WrapperReport =
  | { readonly kind: "hello"; readonly role: string; readonly processId: number }
  | { readonly kind: "ended"; readonly run: number; readonly end: ProcessEnd };

export const exitOrder = "exit\n";

export function stopOrder(run: number, signal: "INT" | "TERM", graceMilliseconds: number): string {
  return `stop ${run} ${signal} ${graceMilliseconds}\n`;
}

/** A line for the person who watches the pane; control characters become blanks. */
export function sayOrder(text: string): string {
  return `say ${text.replaceAll(/\p{Cc}/gu, " ")}\n`;
}

/** Texts travel as hexadecimal, so that an order is one line whatever they hold. Throws on a NUL, which would end them early. */
export function runOrder(order: RunOrder): string {
  const { user } = order;
  const identity = user ? [user.uid, user.gid, user.groups.join(",") || user.gid] : ["-", "-", "-"];
  const fields = [
    order.run,
    order.nonce,
    hexadecimal("workingDirectory", order.workingDirectory),
    ...identity,
    hexadecimal("command", order.command),
    environmentBlock(order.environment),
  ];
  return `run ${fields.join(" ")}\n`;
}

/** Throws on a line no wrapper sends. */
export function parseReport(line: string): WrapperReport {
  const hello = /^hello ([A-Za-z0-9_.-]+) (\d+)$/.exec(line);
  if (hello?.[1]) return { kind: "hello", role: hello[1], processId: Number(hello[2]) };
  const ended = /^ended (\d+) (exit|signal) (\d+)$/.exec(line);
  if (ended) return { kind: "ended", run: Number(ended[1]), end: processEnd(ended[2], Number(ended[3])) };
  throw new Error(`A pane wrapper sent an unknown report: ${JSON.stringify(line)}`);
}

/** Precedes a run's output in the pane. Needs no secret: before it only the wrapper writes. */
export function beginMarker(run: number): Uint8Array {
  return Buffer.from(`\x1b]7777;begin;${run}\x07`);
}

/** Follows a run's output in the pane. The nonce appears nowhere earlier, so that the command cannot print it itself. */
export function endMarker(nonce: string): Uint8Array {
  return Buffer.from(`\x1b]7777;end;${nonce}\x07`);
}

function processEnd(how: string | undefined, number: number): ProcessEnd {
  if (how === "exit") return { kind: "exited", exitCode: number };
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return { kind: "signalled", signal: name ?? `SIG${number}` };
}

function environmentBlock(environment: Readonly<Record<string, string>>): string {
  const entries = Object.entries(environment).map(([name, value]) => {
    if (name === "" || name.includes("=")) throw new TypeError(`Not a name of an environment variable: "${name}"`);
    return hexadecimal(name, `${name}=${value}`);
  });
  return entries.join("00");
}

function hexadecimal(what: string, text: string): string {
  if (text.includes("\0")) throw new TypeError(`${what} holds a NUL character, which no process can be given`);
  return Buffer.from(text).toString("hex");
}
