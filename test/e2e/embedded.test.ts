import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dynamoApiKeys } from "../../adapters/dynamo-api-keys.ts";
import { dynamoClient } from "../../adapters/dynamo-client.ts";
import { tableName } from "../../local/provision.ts";
import { readSettings } from "../../local/settings.ts";
import { startStack } from "../../local/stack.ts";
import { testKey } from "../helpers/api-keys.ts";
import { endToEndSuite } from "./suite/suite.ts";

const limits = { maxConcurrentJobs: 2, maxQueuedJobs: 3 };

endToEndSuite(async () => {
  await using cleanUp = new AsyncDisposableStack();
  const workRoot = await mkdtemp(join(tmpdir(), "omx-e2e-"));
  await chmod(workRoot, 0o711);
  cleanUp.defer(() => rm(workRoot, { recursive: true, force: true }));
  const environment = {
    ...{ ...process.env, PORT: "0", WORK_ROOT: workRoot },
    ...{ MAX_CONCURRENT_JOBS: String(limits.maxConcurrentJobs), MAX_QUEUED_JOBS: String(limits.maxQueuedJobs) },
  };
  const settings = { ...readSettings(["--ephemeral"], environment), auth: "keys" as const };
  const { url } = cleanUp.use(await startStack(settings, () => {}));
  // The stack has set this process's environment, by which it is found.
  const client = dynamoClient();
  cleanUp.defer(() => client.destroy());
  const owned = cleanUp.move();
  return {
    ...{ url, isStreaming: true, limits },
    async makeKey(given) {
      const { key, header } = testKey(given);
      await dynamoApiKeys(client, tableName).create(key);
      return header;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
});
