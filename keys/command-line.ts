import { parseArgs } from "node:util";
import * as z from "zod";
import { KeyId, KeyName, Scope, TenantId } from "../core/api-key.ts";

export const usage = `npm run keys -- create --tenant TENANT [--name NAME] [--scopes ${Scope.options.join(",")}] [--expires-days DAYS]
npm run keys -- list [--tenant TENANT]
npm run keys -- disable KEY_ID

Without more, of the embedded stack that runs on this machine (--data-dir FOLDER, DATA_DIR, or .data).
With --table NAME or TABLE_NAME, of the deployment that has this table; region, credentials and endpoint are those of any
AWS program: AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_DYNAMODB and so on.
`;

/** Raised for a command line that makes no sense; the message is a sentence that says why. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const days = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, "must be a whole number of days from 1 to 9999")
  .transform(Number);

const scopes = z
  .string()
  .transform((text) => [...new Set(text.split(","))])
  .pipe(z.array(z.enum(Scope.options, `must be some of ${Scope.options.join(",")}`)));

const given = z.string().min(1, "must not be empty").optional();

/** Where the keys are. */
const Place = z.object({ table: given, "data-dir": given });
export type Place = z.infer<typeof Place>;

const commands = {
  create: Place.extend({
    tenant: TenantId,
    name: KeyName.default(""),
    scopes: scopes.prefault(Scope.options.join(",")),
    "expires-days": days.optional(),
  }).strict(),
  list: Place.extend({ tenant: TenantId.optional() }).strict(),
  disable: Place.extend({ keyId: KeyId }).strict(),
} as const;

/** What is to be done, with the options as they are spelled. */
export type Command = {
  [Name in keyof typeof commands]: { readonly name: Name; readonly options: z.infer<(typeof commands)[Name]> };
}[keyof typeof commands];

/** Throws `UsageError`. */
export function parseCommandLine(args: readonly string[]): Command | "help" {
  const { values, positionals } = parseOptions(args);
  if (values.help) return "help";
  const [name = "", ...rest] = positionals;
  const { help: _, ...options } = values;
  if (options.table !== undefined && options["data-dir"] !== undefined)
    throw new UsageError("Say either --table, for a deployment, or --data-dir, for an embedded stack.");
  switch (name) {
    case "create":
    case "list":
      if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one word too many after ${name}.`);
      return name === "create"
        ? { name, options: parse(name, commands.create, options) }
        : { name, options: parse(name, commands.list, options) };
    case "disable":
      if (rest.length !== 1) throw new UsageError("Say which key: npm run keys -- disable KEY_ID.");
      return { name, options: parse(name, commands.disable, { ...options, keyId: rest[0] }) };
    default:
      throw new UsageError(
        `${name === "" ? "Say what to do" : `There is no command "${name}"`}: create, list or disable.`,
      );
  }
}

const text = { type: "string" } as const;

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...{ tenant: text, name: text, scopes: text, "expires-days": text, table: text, "data-dir": text },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    const [sentence] = (error as Error).message.split(". ", 1);
    throw new UsageError(`${sentence?.replace(/\.?$/, "")}; npm run keys -- --help shows what there is.`);
  }
}

function parse<Schema extends z.ZodType>(command: string, schema: Schema, options: object): z.infer<Schema> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === "unrecognized_keys") throw new UsageError(`--${issue.keys[0]} is no option of ${command}.`);
  const name = String(issue?.path[0]);
  const option = name === "keyId" ? "KEY_ID" : `--${name}`;
  throw new UsageError(`${option} ${name in options ? issue?.message : "is missing"}.`);
}
