import type { NewApiKey } from "./tenant.ts";

/** The service, wherever it was deployed to, as far as the suite needs more of it than its API. */
export interface Deployment extends AsyncDisposable {
  /** Of the API, without a slash at its end. */
  readonly url: string;
  /** Whether events come while they happen, or only by pages. */
  readonly isStreaming: boolean;
  readonly limits: { readonly maxConcurrentJobs: number; readonly maxQueuedJobs: number };
  /** A repository that may be cloned: a file `a.txt` of one line, "one", and a test of it. */
  readonly repository: string;
  /** Makes a key; answers the Authorization header of its owner. */
  makeKey(key: NewApiKey): Promise<string>;
  /** Ends the processes of the runner with this name as kill -9 does. */
  killRunner(owner: string): void;
}
