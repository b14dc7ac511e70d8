import * as z from "zod";
import { controlReadSeconds, defaultRetentionDays, heartbeatSeconds } from "../../core/limits.ts";
import { tracedShare } from "../tracing.ts";
import { prices } from "./prices.ts";
import { type CostLine, line, memoryOf, resourcesOf, type Template, total } from "./template.ts";

/** What a job of ten minutes uses, apart from its processor: measured where it says so, else estimated on the high side. */
const job = {
  minutes: 10,
  /** Pull of the image, boot, the last events: Fargate is paid from the pull on. */
  besidesSeconds: 45,
  /** Its life but for events and heartbeats; `test/adapters/write-units.test.ts` holds it. */
  lifeWriteUnits: 40,
  /** Of 1 MB of an agent's output; the write units of `npm run bench`, and what they hold compressed. */
  eventWriteUnits: 254,
  eventKilobytes: 254,
  requests: 10,
  requestSeconds: 0.05,
  /** Two for the end of its task. */
  reconcileRuns: 2,
  reconcileSeconds: 0.5,
  queueRequests: 4,
  logKilobytes: 50,
  internetOutMegabytes: 60,
} as const;

export interface JobCost {
  /** Processor, memory and disk of the runners. */
  readonly compute: readonly CostLine[];
  /** The runners' public addresses, if they have any. */
  readonly addresses: readonly CostLine[];
  readonly rest: readonly CostLine[];
  /** What depends on the agents and the watchers more than on us. */
  readonly besides: readonly CostLine[];
}

const TaskDefinition = z.object({
  Cpu: z.coerce.number(),
  Memory: z.coerce.number(),
  RuntimePlatform: z.object({ CpuArchitecture: z.enum(["ARM64", "X86_64"]) }),
  EphemeralStorage: z.object({ SizeInGiB: z.number() }).default({ SizeInGiB: 20 }),
});

/** What so many jobs of ten minutes cost. */
export function jobCost(template: Template, jobs: number): JobCost {
  const hours = (jobs * (job.minutes * 60 + job.besidesSeconds)) / 3_600;
  return {
    compute: computeCost(template, hours),
    addresses: addressCost(template, hours),
    rest: [...tableCost(jobs), ...requestCost(template, jobs)],
    besides: [streamCost(template, jobs), outCost(jobs)],
  };
}

/** Runners for so many hours, with the addresses that they have. */
export function runnerHours(template: Template, hours: number): CostLine[] {
  return [...computeCost(template, hours), ...addressCost(template, hours)];
}

/** All but what depends on others, per dollar of compute. */
export function overCompute({ compute, addresses, rest }: JobCost): {
  withoutAddresses: number;
  withAddresses: number;
} {
  const alone = total(compute, "dollars");
  const without = alone + total(rest, "dollars");
  return { withoutAddresses: without / alone, withAddresses: (without + total(addresses, "dollars")) / alone };
}

function computeCost(template: Template, hours: number): CostLine[] {
  return resourcesOf(template, "AWS::ECS::TaskDefinition", TaskDefinition).flatMap(({ properties }) => {
    const { Cpu, Memory, RuntimePlatform, EphemeralStorage } = properties;
    const price = RuntimePlatform.CpuArchitecture === "ARM64" ? prices.fargateArm64 : prices.fargateX86;
    const [processors, gibibytes, disk] = [Cpu / 1_024, Memory / 1_024, EphemeralStorage.SizeInGiB - 20];
    return [
      line(
        `${processors} vCPU, ${RuntimePlatform.CpuArchitecture}`,
        hoursText(hours),
        hours * processors * price.processorHour,
      ),
      line(`${gibibytes} GiB of memory`, hoursText(hours), hours * gibibytes * price.gibibyteHour),
      ...(disk > 0
        ? [line(`${disk} GiB of disk more`, hoursText(hours), hours * disk * prices.fargateDiskGibibyteHour)]
        : []),
    ];
  });
}

function addressCost(template: Template, hours: number): CostLine[] {
  if (!hasAddresses(template)) return [];
  return [line("public IPv4 addresses", hoursText(hours), hours * prices.publicAddressHour)];
}

/** The launching functions are told whether to ask for them. */
function hasAddresses(template: Template): boolean {
  const Variables = z.object({ ASSIGN_PUBLIC_IP: z.string().optional() });
  const Launching = z.object({ Environment: z.object({ Variables }).optional() });
  return resourcesOf(template, "AWS::Lambda::Function", Launching).some(
    ({ properties }) => properties.Environment?.Variables.ASSIGN_PUBLIC_IP === "1",
  );
}

function tableCost(jobs: number): CostLine[] {
  const seconds = job.minutes * 60;
  const writes = jobs * (job.lifeWriteUnits + seconds / heartbeatSeconds + job.eventWriteUnits);
  const reads = jobs * ((seconds / controlReadSeconds) * 0.5 + job.requests);
  const gigabyteMonths = (jobs * job.eventKilobytes * (defaultRetentionDays / 30)) / 1e6;
  const kept = prices.tableGigabyteMonth + prices.tableRecoveryGigabyteMonth;
  return [
    line("table: writes", `${writes} units`, writes * prices.writeUnit),
    line("table: reads", `${reads} units`, reads * prices.readUnit),
    line("table: events kept", `${gigabyteMonths.toFixed(2)} GB-months`, gigabyteMonths * kept),
  ];
}

function requestCost(template: Template, jobs: number): CostLine[] {
  const requests = jobs * job.requests;
  const runs = jobs * job.reconcileRuns;
  const gigabyteSeconds = (requests * job.requestSeconds + runs * job.reconcileSeconds) * largestMemory(template);
  const functions = (requests + runs) * prices.lambdaRequest + gigabyteSeconds * prices.lambdaArmGigabyteSecond;
  const queueRequests = jobs * job.queueRequests;
  const logGigabytes = (jobs * job.logKilobytes) / 1e6;
  return [
    line("API", `${requests} requests`, requests * prices.apiRequest),
    line("functions", `${Math.round(gigabyteSeconds)} GB-s`, functions),
    line("traces", `${requests * tracedShare}`, requests * tracedShare * prices.trace),
    line("queue", `${queueRequests} requests`, queueRequests * prices.queueRequest),
    line("logs", `${logGigabytes.toFixed(2)} GB`, logGigabytes * prices.logGigabyte),
  ];
}

function largestMemory(template: Template): number {
  const ids = resourcesOf(template, "AWS::Lambda::Function", z.unknown()).map(({ id }) => id);
  return Math.max(...ids.map((id) => memoryOf(template, id)));
}

/** Somebody who streams the events of each job all the time pays for a function that waits. */
function streamCost(template: Template, jobs: number): CostLine {
  const ids = resourcesOf(template, "AWS::Lambda::Function", z.unknown()).map(({ id }) => id);
  const memory = memoryOf(template, ids.find((id) => id.includes("listJobEvents")) ?? "");
  const gigabyteSeconds = jobs * job.minutes * 60 * memory;
  const dollars = gigabyteSeconds * prices.lambdaArmGigabyteSecond;
  return line("one watcher of each job's stream", `${Math.round(gigabyteSeconds)} GB-s`, dollars);
}

function outCost(jobs: number): CostLine {
  const gigabytes = (jobs * job.internetOutMegabytes) / 1_000;
  return line(
    "internet out: what agents send to their models",
    `${gigabytes} GB`,
    gigabytes * prices.internetOutGigabyte,
  );
}

function hoursText(hours: number): string {
  return `${hours.toFixed(1)} h`;
}
