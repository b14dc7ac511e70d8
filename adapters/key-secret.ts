import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { keyIdBytes, keyIdOf, type PresentedKey, secretBytes } from "../core/api-key.ts";

/** A key that nobody has yet: 60 random bits tell it from others, 192 open it. */
export function newPresentedKey(): PresentedKey {
  return { keyId: keyIdOf(randomBytes(keyIdBytes)), secret: randomBytes(secretBytes).toString("hex") };
}

/** What is stored in the secret's place. It is as random as the hash is long, so neither salt nor slowness adds to it. */
export function hashOfSecret(secret: string): string {
  return digest(secret).toString("hex");
}

/** In a time that does not tell how much of it is right. */
export function isSecret(secret: string, secretHash: string): boolean {
  const stored = Buffer.from(secretHash, "hex");
  const given = digest(secret);
  return stored.length === given.length && timingSafeEqual(stored, given);
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
