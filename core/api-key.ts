import * as z from "zod";

/** What a key may be allowed to do. One does not include the other. */
export const Scope = z.enum(["jobs:read", "jobs:write"]);
export type Scope = z.infer<typeof Scope>;

/** Crockford's base 32: no letter that looks like a digit. */
const keyIdAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const keyIdBytes = 12;
export const secretBytes = 24;

export const KeyId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{12}$/, "must be the id of a key: 12 characters, upper case, without I, L, O and U");

/** Whom jobs, slots and keys belong to. */
export const TenantId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be 1 to 64 letters, digits, dots, dashes or underscores");

export const KeyName = z.string().regex(/^[^\p{Cc}\p{Cf}]{0,64}$/u, "must be at most 64 printable characters");

const Timestamp = z.iso.datetime({ precision: 3 });

/** A key as it is stored: its secret is not. */
export const ApiKey = z.object({
  keyId: KeyId,
  tenantId: TenantId,
  name: KeyName,
  /** One that this version does not know opens nothing. */
  scopes: z.array(z.string()),
  /** SHA-256 of the secret, in hexadecimal. */
  secretHash: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: Timestamp,
  /** Null: until it is disabled. */
  validUntil: Timestamp.nullable(),
  disabledAt: Timestamp.nullable(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** A key as its owner has it. */
export interface PresentedKey {
  readonly keyId: string;
  readonly secret: string;
}

/** The text that stands for a key: `omx_<keyId>_<secret>`. */
export function keyText({ keyId, secret }: PresentedKey): string {
  return `omx_${keyId}_${secret}`;
}

/** The key in an `Authorization: Bearer …` header, if it has the form of one. */
export function parseAuthorization(header: string): PresentedKey | undefined {
  const [, credentials = ""] = /^bearer +(\S+) *$/i.exec(header) ?? [];
  const [, keyId, secret] = /^omx_([0-9A-HJKMNP-TV-Z]{12})_([0-9a-f]{48})$/.exec(credentials) ?? [];
  return keyId === undefined || secret === undefined ? undefined : { keyId, secret };
}

/** The id that these random bytes stand for, a character each; all are equally likely. */
export function keyIdOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => keyIdAlphabet[byte % keyIdAlphabet.length]).join("");
}

/** Whether a key opens anything at this time. */
export function keyState(key: ApiKey, now: Date): "active" | "expired" | "disabled" {
  if (key.disabledAt !== null) return "disabled";
  return key.validUntil !== null && now >= new Date(key.validUntil) ? "expired" : "active";
}
