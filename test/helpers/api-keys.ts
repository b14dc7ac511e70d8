import { hashOfSecret, newPresentedKey } from "../../adapters/key-secret.ts";
import { type ApiKey, keyText } from "../../core/api-key.ts";

/** A key, and the header that its owner sends. */
export interface TestKey {
  readonly key: ApiKey;
  readonly header: string;
}

export function testKey(more: Partial<ApiKey> = {}): TestKey {
  const presented = newPresentedKey();
  const key: ApiKey = {
    ...{ keyId: presented.keyId, tenantId: "tenant-1", name: "", scopes: ["jobs:read", "jobs:write"] },
    ...{ secretHash: hashOfSecret(presented.secret), createdAt: new Date().toISOString() },
    ...{ validUntil: null, disabledAt: null },
    ...more,
  };
  return { key, header: `Bearer ${keyText(presented)}` };
}
