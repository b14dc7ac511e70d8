import { describe } from "vitest";
import { apiKeysContract } from "../contracts/api-keys.contract.ts";
import { eventLogContract } from "../contracts/event-log.contract.ts";
import { jobQueueContract } from "../contracts/job-queue.contract.ts";
import { jobStoreContract } from "../contracts/job-store.contract.ts";
import { runnerLauncherContract } from "../contracts/runner-launcher.contract.ts";
import { tenantSlotsContract } from "../contracts/tenant-slots.contract.ts";
import { inMemoryApiKeys } from "./in-memory-api-keys.ts";
import { inMemoryEventLog } from "./in-memory-event-log.ts";
import { inMemoryJobQueue } from "./in-memory-job-queue.ts";
import { inMemoryJobStore } from "./in-memory-job-store.ts";
import { inMemoryRunnerLauncher } from "./in-memory-runner-launcher.ts";
import { inMemoryTenantSlots } from "./in-memory-tenant-slots.ts";

describe("the in-memory store of jobs", () => jobStoreContract(inMemoryJobStore()));

describe("the in-memory log of events", () => eventLogContract(inMemoryEventLog(), { runs: 200 }));

describe("the in-memory slots", () => tenantSlotsContract(inMemoryTenantSlots()));

describe("the in-memory keys", () => apiKeysContract(inMemoryApiKeys()));

describe("the in-memory queue", () => jobQueueContract(async () => inMemoryJobQueue()));

describe("the in-memory launcher", () => {
  const launcher = inMemoryRunnerLauncher();
  runnerLauncherContract({ launcher, taskOf: async (launch) => launcher.taskOf(launch) });
});
