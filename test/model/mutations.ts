/** One guard of the protocol less: a piece of the source and what stands in its place, for one process only. */
export interface Mutation {
  readonly name: string;
  /** From the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The seed to begin with, where it takes a rare coincidence. */
  readonly from?: number;
  /** Why it may go unnoticed: nothing that is promised depends on the guard alone, or it takes too rare a coincidence. */
  readonly survivesBecause?: string;
}

const lifecycle = (file: string) => `core/lifecycle/${file}.ts`;

/** Guards that others make up for, and what it is that does. */
const redundant = {
  owner: "an attempt has one owner",
  leaseUntil: "a runner whose lease is over has given up and renews it no more",
} as const;
const store = "test/fakes/in-memory-job-store.ts";

/** The store leaves out one condition of a write: the fake, which can be tried more often; of the adapters, what only they have. */
const conditions: readonly Mutation[] = [
  {
    name: "no write depends on status",
    file: store,
    find: "guard.status.includes(record.status) &&",
    replace: "",
  },
  ...(["attempt", "owner", "launches", "leaseUntil"] as const).map((attribute) => ({
    name: `no write depends on ${attribute}`,
    file: store,
    find: "(attribute) => guard[attribute]",
    replace: `(attribute) => attribute === "${attribute}" || guard[attribute]`,
    ...(attribute in redundant && { survivesBecause: redundant[attribute as keyof typeof redundant] }),
  })),
  {
    name: "no write depends on attempt or owner",
    file: store,
    find: "(attribute) => guard[attribute]",
    replace: '(attribute) => attribute === "attempt" || attribute === "owner" || guard[attribute]',
  },
  {
    name: "no write depends on cancelRequested",
    file: store,
    find: "guard.cancelRequested !== false ||",
    replace: "true ||",
  },
  {
    name: "no write depends on settled",
    file: store,
    find: "guard.settled !== false ||",
    replace: "true ||",
  },
  {
    name: "a second create replaces the row",
    file: store,
    find: "if (!rows.has(record.jobId))",
    replace: "",
  },
  {
    name: "an event takes the place of another",
    file: "adapters/dynamo-event-log.ts",
    find: 'Item, ConditionExpression: "attribute_not_exists(pk)"',
    replace: "Item",
  },
  {
    name: "a batch that is stored already is taken for somebody else's",
    file: "adapters/dynamo-event-log.ts",
    find: "return stored.Item?.batchId === batch.batchId",
    replace: "return false",
  },
  {
    name: "a taken seq is taken for one's own",
    file: "adapters/dynamo-event-log.ts",
    find: "return stored.Item?.batchId === batch.batchId",
    replace: "return true",
  },
  {
    name: "the tail of the log is read cheaply",
    file: "adapters/dynamo-event-log.ts",
    find: "{ ...lastItem, ConsistentRead: true }",
    replace: "lastItem",
    survivesBecause: "dynalite never lags; on AWS a stale tail costs one more refused write",
  },
  {
    name: "slots have no maximum",
    file: "adapters/dynamo-tenant-slots.ts",
    find: "attribute_not_exists(holders) OR size(holders) < :maximum OR contains(holders, :jobId)",
    replace:
      "attribute_not_exists(holders) OR size(holders) < :maximum OR contains(holders, :jobId) OR attribute_exists(pk)",
  },
  {
    name: "who holds a slot is refused when all are taken",
    file: "adapters/dynamo-tenant-slots.ts",
    find: " OR contains(holders, :jobId)",
    replace: " OR (contains(holders, :jobId) AND size(holders) < :maximum)",
    survivesBecause: "the audit starts what has a slot and still waits",
  },
  {
    name: "a tenant with holders is forgotten",
    from: 120_000,
    file: "test/fakes/in-memory-tenant-slots.ts",
    find: "if (holdersOf(tenantId).size === 0) listed",
    replace: "listed",
  },
];

const claims: readonly Mutation[] = [
  {
    name: "a claim takes what is not starting",
    file: lifecycle("claim-job"),
    find: '{ status: ["starting"], attempt: hint.attempt, cancelRequested: false }',
    replace: '{ status: ["starting", "running"], attempt: hint.attempt, cancelRequested: false }',
  },
  {
    name: "a claim takes any attempt",
    file: lifecycle("claim-job"),
    find: "job.attempt !== hint.attempt",
    replace: "false",
    survivesBecause: "the write compares it again; this only saves a write",
  },
  {
    name: "a claim does not compare the attempt as it writes",
    survivesBecause:
      "who claims a later attempt than its hint names has that one, as the row says; at worst runner_lost is told too late",
    file: lifecycle("claim-job"),
    find: "attempt: hint.attempt, cancelRequested: false",
    replace: "cancelRequested: false",
  },
  {
    name: "a claim takes what was cancelled",
    file: lifecycle("claim-job"),
    find: ", cancelRequested: false",
    replace: "",
    survivesBecause: "only a running job gets the mark, and one that has it is never started again",
  },
  {
    name: "a refused claimer does not look whether the owner is itself",
    file: lifecycle("claim-job"),
    find: "const isOurs =",
    replace: "const isOurs = false &&",
  },
  {
    name: "any owner is taken for oneself",
    file: lifecycle("claim-job"),
    find: "current.owner === claim.owner &&",
    replace: "",
  },
];

const endings: readonly Mutation[] = [
  {
    name: "an end does not compare the attempt",
    survivesBecause:
      "the owner tells attempts apart while one runs; before, a run of reconcile must be held up for a whole attempt",
    file: lifecycle("finish-job"),
    find: "attempt: job.attempt,\n    ...(job.owner",
    replace: "...(job.owner",
  },
  {
    name: "an end does not compare the status",
    file: lifecycle("finish-job"),
    find: ".filter((status) => status === job.status)",
    replace: "",
  },
  {
    name: "settling releases no slot",
    file: lifecycle("finish-job"),
    find: "await ports.slots.release(job.tenantId, job.jobId);",
    replace: "",
  },
  {
    name: "settling releases the slot first of all, too",
    survivesBecause: "an ended job needs none, and it is released again before the job leaves the index",
    file: lifecycle("finish-job"),
    find: "const author =",
    replace: "await ports.slots.release(job.tenantId, job.jobId); const author =",
  },
  {
    name: "the slot is released before the job has ended",
    file: lifecycle("finish-job"),
    find: "const ended = await",
    replace: "await ports.slots.release(job.tenantId, job.jobId); const ended = await",
  },
  {
    name: "the job leaves the live index before its slot is released",
    file: lifecycle("finish-job"),
    find: "const { seq } = await ports.events.tail(job.jobId);",
    replace:
      "const { seq } = await ports.events.tail(job.jobId); await ports.jobs.update(job.jobId, { status: [job.status], settled: false }, { lastSeq: seq, settled: true });",
  },
  {
    name: "the job leaves the live index as it ends",
    file: lifecycle("finish-job"),
    find: 'live: "active",\n    panes',
    replace: "settled: true,\n    panes",
  },
  {
    name: "an ended job keeps its place in the live index",
    file: lifecycle("finish-job"),
    find: 'live: "active",\n    panes',
    replace: "panes",
  },
  {
    name: "an end writes its last events before the row",
    file: lifecycle("finish-job"),
    find: "const ended = await",
    replace:
      "await settleJob(ports, { ...job, status: ending.status, reason: ending.reason }, options.writer); const ended = await",
  },
  {
    name: "who finds the log closed does not go on settling",
    file: lifecycle("finish-job"),
    find: "if (!(error instanceof Superseded)) throw error;",
    replace: "if (error instanceof Superseded) return; throw error;",
  },
  {
    name: "the log is not fenced by the attempt",
    file: lifecycle("append-events"),
    find: "tail.attempt > writer.attempt",
    replace: "false",
  },
  {
    name: "the log is not closed by its end",
    file: lifecycle("append-events"),
    find: "if (tail.closed)",
    replace: "if (false)",
  },
  {
    name: "a writer that lost the race does not read the tail again",
    file: lifecycle("append-events"),
    find: "writer.tail = undefined;",
    replace: "writer.tail = { ...writer.tail, seq: writer.tail.seq + 1 };",
  },
];

const restarts: readonly Mutation[] = [
  {
    name: "a lost job is taken back whatever its lease",
    file: lifecycle("requeue-job"),
    find: "      ...guard,\n    },",
    replace: "    },",
    survivesBecause: redundant.leaseUntil,
  },
  {
    name: "a job is taken back from whoever has it",
    file: lifecycle("requeue-job"),
    find: "...(job.owner !== null && { owner: job.owner }),",
    replace: "",
    survivesBecause: redundant.owner,
  },
  {
    name: "a cancelled job is started again",
    file: lifecycle("requeue-job"),
    find: "      cancelRequested: false,\n",
    replace: "",
  },
  {
    name: "attempts have no maximum",
    file: lifecycle("requeue-job"),
    find: "job.attempt >= maximumAttempts",
    replace: "false",
  },
  {
    name: "nobody tells that a runner was lost",
    file: lifecycle("requeue-job"),
    find: "if (requeued !== undefined) await tellLoss(ports, requeued, why);",
    replace: "",
    survivesBecause: "the launch of the next attempt, or the job's end, tells it",
  },
  {
    name: "a launch does not tell that a runner was lost",
    file: lifecycle("start-job"),
    find: "await tellLoss(ports, job);",
    replace: "",
  },
  {
    name: "an end does not tell that a runner was lost",
    file: lifecycle("finish-job"),
    find: "await tellLoss(ports, job);",
    replace: "",
  },
  {
    name: "whoever comes tells the loss once more",
    file: lifecycle("tell-loss"),
    find: "tail.closed || tail.attempt >= attempt",
    replace: "tail.closed",
  },
  {
    name: "a taken back job is not due",
    file: lifecycle("requeue-job"),
    find: ', live: "due"',
    replace: "",
  },
  {
    name: "a lease is over before its time",
    file: lifecycle("lost-runners"),
    find: "isPast(leaseUntil, 0)",
    replace: "isPast(leaseUntil - 60_000, 0)",
  },
  {
    name: "a task that is not known counts as stopped",
    file: lifecycle("lost-runners"),
    find: "stopped.has(owner)",
    replace: "true",
  },
  {
    name: "a runner whose lease is over is not stopped",
    file: lifecycle("lost-runners"),
    find: 'await stop("The lease of its job is over.");',
    replace: "",
    survivesBecause: "it has given up by itself; the stop only saves what its task costs",
  },
  {
    name: "a runner never gives up",
    file: "core/limits.ts",
    find: "heartbeatGiveUpSeconds = 75",
    replace: "heartbeatGiveUpSeconds = 100_000",
  },
  {
    name: "a runner gives up only when its lease is over",
    file: "core/limits.ts",
    find: "heartbeatGiveUpSeconds = 75",
    replace: "heartbeatGiveUpSeconds = 120",
  },
  {
    name: "the lease counts from when the claim was answered",
    file: "test/model/simulated-heartbeat.ts",
    find: "let renewedAt = monotonic() - (",
    replace: "let renewedAt = monotonic() - 0 * (",
  },
  {
    name: "a runner that is told to stop hands back what is still at work",
    file: "test/model/simulated-runner.ts",
    find: "if (process.cause !== undefined) await panesEnded;\n  ledger.endsWork(job, task.taskId);",
    replace: "",
  },
];

const starts: readonly Mutation[] = [
  {
    name: "a launch does not compare the launches",
    file: lifecycle("start-job"),
    find: 'status: ["starting"], attempt: job.attempt, launches: job.launches }, changes)',
    replace: 'status: ["starting"], attempt: job.attempt }, changes)',
  },
  {
    name: "a runner is launched before the row says so",
    file: lifecycle("start-job"),
    find: "const startUntil =",
    replace:
      "await ports.launcher.launch({ jobId: job.jobId, attempt: job.attempt, launch: job.launches + 1 }).catch(() => undefined); const startUntil =",
  },
  {
    name: "the hint is sent before the launch",
    survivesBecause: "a job whose runner another's hint has taken costs time: it is launched again",
    file: lifecycle("start-job"),
    find: "  try {\n    await ports.launcher",
    replace: "  await ports.queue.send({ jobId, attempt });\n  try {\n    await ports.launcher",
  },
  {
    name: "a launch that failed leaves the job as it is",
    file: lifecycle("start-job"),
    find: "await becomeDue(ports, starting, error);",
    replace: '"no_capacity" as const;',
  },
  {
    name: "what waits for room is not due",
    file: lifecycle("start-job"),
    find: 'waiting: "capacity", live: "due"',
    replace: 'waiting: "capacity"',
  },
  {
    name: "a start ends the wait in the row but not in the index",
    file: lifecycle("start-job"),
    find: 'startUntil, live: "active"',
    replace: "startUntil",
  },
  {
    name: "a job starts without a slot",
    file: lifecycle("admit-jobs"),
    find: "if (!(await ports.slots.take(tenantId, jobId, ports.maximumConcurrentJobs))) return wait(ports, newest);",
    replace: "",
  },
  {
    name: "a slot that was taken for an ended job is not given back",
    survivesBecause: "the audit gives it back within the minute",
    file: lifecycle("admit-jobs"),
    find: "if (current === undefined || isTerminal(current.status))",
    replace: "if (false)",
  },
  {
    name: "a slot that was taken for a started job is given back",
    file: lifecycle("admit-jobs"),
    find: "if (current === undefined || isTerminal(current.status))",
    replace: "if (current?.status !== 'queued')",
  },
  {
    name: "what waits has no place in the index",
    file: lifecycle("admit-jobs"),
    find: "live: { waitingTenant: tenantId }",
    replace: "settled: true",
  },
  {
    name: "a wait is written whatever the status",
    file: lifecycle("admit-jobs"),
    find: 'await ports.jobs.update(jobId, { status: ["queued"], attempt }, changes)',
    replace: 'await ports.jobs.update(jobId, { status: ["queued", "starting", "running"] }, changes)',
  },
];

const reconciles: readonly Mutation[] = [
  {
    name: "nobody audits the slots",
    file: lifecycle("reconcile-jobs"),
    find: "await auditSlots(ports, new Set(jobIds), trouble)",
    replace: "0",
  },
  {
    name: "the audit releases whatever is not among the live jobs",
    file: lifecycle("audit-slots"),
    find: "if (job !== undefined && job.lastSeq === null) return;",
    replace: "",
  },
  {
    name: "the audit does not start what waits and has a slot",
    file: lifecycle("audit-slots"),
    find: 'if (job?.status === "queued") await startJob(ports, job);',
    replace: "",
  },
  {
    name: "nobody settles what has ended",
    file: lifecycle("reconcile-jobs"),
    find: "await settleJob(ports, job);",
    replace: "return;",
  },
  {
    name: "nobody admits what was accepted and went no further",
    file: lifecycle("reconcile-jobs"),
    find: "await admitJobs(ports, job.tenantId, job);",
    replace: "return;",
  },
  {
    name: "nobody looks after running jobs",
    file: lifecycle("reconcile-jobs"),
    find: "await endIfRunnerFails(ports, job, tasks);",
    replace: "return;",
  },
  {
    name: "nobody looks after starting jobs",
    file: lifecycle("reconcile-jobs"),
    find: "await startAgainWhatFoundNoRunner(ports, jobs, tasks, { stopped, trouble })",
    replace: "[]",
  },
  {
    name: "nobody lets go on what waits",
    file: lifecycle("reconcile-jobs"),
    find: "await advanceWaiting(ports, trouble);",
    replace: "",
  },
  {
    name: "nobody launches what is due",
    file: lifecycle("advance-waiting"),
    find: "await launchDue(ports, trouble)",
    replace: "true",
  },
  {
    name: "a runner that was launched a moment ago counts as lost",
    file: lifecycle("lost-launches"),
    find: "isKnownToHaveStopped(job) || !mayBeUnlisted(job)",
    replace: "true",
  },
  {
    name: "orphans are not stopped",
    file: lifecycle("runner-tasks"),
    find: 'await ports.launcher.stop(taskId, "It works on no job.")',
    replace: "await 0",
  },
  {
    name: "a hint that was lost is not sent again",
    survivesBecause: "the runner exits without it, and the job is launched again, hint and all",
    file: lifecycle("lost-launches"),
    find: "ports.queue.send({ jobId, attempt })",
    replace: "Promise.resolve()",
  },
];

const requests: readonly Mutation[] = [
  {
    name: "a request is answered before its job is stored",
    file: lifecycle("accept-job"),
    find: "await ports.jobs.create(record, spec);",
    replace: "ports.jobs.create(record, spec).catch(() => undefined);",
  },
  {
    name: "a running job is cancelled over its runner's head",
    file: lifecycle("cancel-job"),
    find: 'current.status === "running"',
    replace: "false",
  },
  {
    name: "a cancel that lost a race is dropped",
    file: lifecycle("cancel-job"),
    find: "if (changed !== undefined) return changed;",
    replace: "return changed ?? current;",
  },
];

export const mutations: readonly Mutation[] = [
  ...conditions,
  ...claims,
  ...endings,
  ...restarts,
  ...starts,
  ...reconciles,
  ...requests,
];
