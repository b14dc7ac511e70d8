/** Every number of the service that a user or an operator may meet, each with its unit in its name. */

/** Longest task text, measured in UTF-8 bytes. */
export const maximumTaskBytes = 100 * 1024;
/** Longest wall-clock time of one job: DynamoDB keeps the deadline, the runner obeys it. */
export const maximumJobMinutes = 720;
export const minimumJobMinutes = 0.01;
export const defaultJobMinutes = 60;
/** Labels of one job, and of one filter of a list. */
export const maximumLabels = 16;
/** Stored pane output of one job; what comes after it is cut, except for its tail. */
export const defaultLogBytes = 32 * 1024 * 1024;
export const maximumLogBytes = 256 * 1024 * 1024;
/** Last bytes of a cut stage's output that are stored all the same: an error usually stands at the end. */
export const truncatedTailBytes = 64 * 1024;
/** Raw output of one stage on the runner's disk; a stage that writes more is ended (`output_limit`). */
export const maximumSpoolBytes = 1024 * 1024 * 1024;

/** Jobs of one tenant that run at the same time, and that wait for it, unless the deployment says otherwise. */
export const defaultConcurrentJobs = 10;
export const defaultQueuedJobs = 1_000;

/** A claim holds for this long after a successful heartbeat; nobody may take the job over before. */
export const leaseSeconds = 120;
export const heartbeatSeconds = 32;
/** A runner without a successful heartbeat for this long ends its panes: well before its lease is over. */
export const heartbeatGiveUpSeconds = 75;
/** A runner that has not ended its job this long after the deadline is stopped. */
export const deadlineGraceSeconds = 60;
/** How often a runner looks for a cancel: ten minutes of it cost 75 read units, $0.0000094. */
export const controlReadSeconds = 4;
/** A runner that has not obeyed a cancel after this long is stopped. */
export const cancelGraceSeconds = 60;
/** A launched runner that has not claimed its job by then is taken for lost. */
export const startSeconds = 600;
/** A job whose runner was lost is started again, until it has had this many attempts. */
export const maximumAttempts = 3;
/** Launches in a row that brought no runner; after the last one the job ends with `runner_never_started`. */
export const maximumLostLaunches = 3;
/** A job for which there was no room for a runner for this long ends with `no_capacity`. */
export const maximumCapacityWaitHours = 24;
/** A task launched less than this long ago may not be listed yet (ECS is eventually consistent). */
export const launchSettleSeconds = 30;
/** A task that works on no job this long after its launch is stopped: it should have found one, or have exited. */
export const orphanSeconds = 900;
/** One run of reconcile ends after this long; the next one, in another order, goes on. */
export const reconcileSeconds = 50;
/** So many jobs are looked after at once. */
export const reconcileConcurrency = 8;
/** A runner that has found no job for this long exits. */
export const idleRunnerSeconds = 60;
/** Where runners are kept waiting for jobs, one exits after this long: before it could be taken for an orphan. */
export const warmRunnerSeconds = 720;
/** No more warm runners than are wanted are launched in so long: where none of them comes to life, that is what it costs. */
export const warmLaunchMinutes = 5;
/** A hint that a runner took and did not delete comes back after this long. */
export const hintVisibilitySeconds = 30;
/** A cancelled or overdue process tree gets SIGTERM, then this long, then SIGKILL. */
export const stopGraceMilliseconds = 2_000;
/** A pane that has printed no byte for this long is taken for hung and ended (`silent`), unless the deployment says otherwise. */
export const defaultSilenceMinutes = 10;
/** The process tree of a silent pane gets SIGINT, then this long, then SIGKILL. */
export const silenceGraceSeconds = 10;

/** A batch of events is written when it is this old or this large, whichever comes first. */
export const flushAfterMilliseconds = 500;
export const flushAfterBytes = 64 * 1024;
/** After a quiet time so many batches are written without waiting: what happens first is seen at once. */
export const flushBurst = 8;
/** Longest text of one `pane_output` event. */
export const paneOutputChunkBytes = 32 * 1024;

export const defaultEventPage = 500;
export const maximumEventPage = 1_000;
/** Decoded text of one page: stays under the 6 MB that Lambda returns at most, escapes included. */
export const maximumEventPageBytes = 1024 * 1024;
export const defaultJobPage = 20;
export const maximumJobPage = 50;
/** An SSE stream ends itself after this long and the client resumes: an abandoned stream costs no more than that. */
export const eventStreamSeconds = 120;
export const eventStreamCommentSeconds = 15;

/** API Gateway keeps what the authorizer has said of a key for this long: a disabled one works no longer than that. */
export const keyCacheSeconds = 60;

/** Ended jobs, events and idempotency keys are kept for this long (DynamoDB TTL deletes them), unless a deployment says otherwise. */
export const defaultRetentionDays = 30;
export const maximumRetentionDays = 365;
/** What a job was asked for outlives every backlog and every ended job. */
export const specRetentionDays = 400;
/** The live index is spread over this many partitions, each of which takes 1,000 writes a second. */
export const liveShards = 16;
