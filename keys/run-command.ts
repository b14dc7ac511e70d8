import { hashOfSecret, newPresentedKey } from "../adapters/key-secret.ts";
import { type ApiKey, keyState, keyText } from "../core/api-key.ts";
import { keyCacheSeconds } from "../core/limits.ts";
import type { Command } from "./command-line.ts";
import type { KeyTable } from "./key-table.ts";

/** What goes to standard output, for programs too, and what is said beside it. */
export interface CommandResult {
  readonly output: string;
  readonly remark: string;
}

/** Raised for a key that is not there; the message says where to look. */
export class KeyNotFound extends Error {
  override readonly name = "KeyNotFound";
}

const dayMilliseconds = 24 * 60 * 60 * 1_000;

/** Throws `KeyNotFound`, and what the table throws. */
export async function runCommand(command: Command, table: KeyTable, now: Date): Promise<CommandResult> {
  switch (command.name) {
    case "create":
      return create(command.options, table, now);
    case "list":
      return list(await Array.fromAsync(table.keys.list(command.options.tenant)), table, now);
    case "disable":
      return disable(command.options.keyId, table, now);
  }
}

type Options<Name> = Extract<Command, { name: Name }>["options"];

async function create(options: Options<"create">, { keys, name }: KeyTable, now: Date): Promise<CommandResult> {
  const { tenant: tenantId, scopes, "expires-days": days } = options;
  const presented = newPresentedKey();
  const key: ApiKey = {
    ...{ keyId: presented.keyId, tenantId, name: options.name, scopes },
    secretHash: hashOfSecret(presented.secret),
    createdAt: now.toISOString(),
    validUntil: days === undefined ? null : new Date(now.getTime() + days * dayMilliseconds).toISOString(),
    disabledAt: null,
  };
  await keys.create(key);
  const validity = key.validUntil === null ? "until it is disabled" : `until ${key.validUntil}`;
  const remark =
    `A key of tenant ${tenantId} with ${scopes.join(", ")}, valid ${validity}, in ${name}.\n` +
    "Only its hash is stored: this is the only time that you see it.\n";
  return { output: `${keyText(presented)}\n`, remark };
}

async function disable(keyId: string, { keys, name }: KeyTable, now: Date): Promise<CommandResult> {
  const key = await keys.disable(keyId, now);
  if (key === undefined)
    throw new KeyNotFound(`There is no key ${keyId} in ${name}; \`npm run keys -- list\` shows which there are.`);
  const remark =
    `Tenant ${key.tenantId}'s key is disabled since ${key.disabledAt}, in ${name}.\n` +
    `On AWS it may work for ${keyCacheSeconds} seconds more, in the embedded stack it does not.\n`;
  return { output: `${keyId}\n`, remark };
}

/** Names last, since their letters may be two columns wide. */
const columns = ["KEY", "TENANT", "STATE", "SCOPES", "CREATED", "VALID UNTIL", "NAME"];

function list(keys: readonly ApiKey[], { name }: KeyTable, now: Date): CommandResult {
  const rows = keys.map((key) => [
    ...[key.keyId, key.tenantId, keyState(key, now), key.scopes.join(",")],
    ...[key.createdAt, key.validUntil ?? "-", key.name],
  ]);
  const widths = columns.map((_, column) => Math.max(...[columns, ...rows].map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    `${row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()}\n`;
  const count = keys.length === 1 ? "1 key" : `${keys.length} keys`;
  return { output: keys.length === 0 ? "" : [columns, ...rows].map(line).join(""), remark: `${count} in ${name}.\n` };
}
