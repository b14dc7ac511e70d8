/** The deployment's stage; its stack, its cluster and its tasks are named after it (`infra-cdk/`). */
export const stageName = "local";

export const stackName = `omx-web-${stageName}`;

export const taskFamily = `${stackName}-runner`;

/** Small, for a machine of one's own; `npm run local:deploy -- -c maxConcurrentJobs=…` says otherwise. */
export const limits = { maxConcurrentJobs: 4, maxQueuedJobs: 20 } as const;
