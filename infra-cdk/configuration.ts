import { RegionInfo } from "aws-cdk-lib/region-info";
import * as z from "zod";
import { FunctionEnvironment } from "../adapters/environment.ts";
import { defaultConcurrentJobs, defaultQueuedJobs, defaultRetentionDays } from "../core/limits.ts";

/** A value of `cdk.json` is a number or a list; the same one behind `-c` is text. */
const wholeNumber = z.union([z.string(), z.number()], "must be a whole number").transform(String);
const flag = z.stringbool({ truthy: ["true"], falsy: ["false"], case: "sensitive", error: "must be true or false" });
const switchedOn = z.union([z.boolean(), flag], "must be true or false");
const listOf = (entries: string) =>
  z
    .union([z.string().transform((text) => text.split(",")), z.array(z.string())], `must be a list of ${entries}`)
    .transform((given) => given.map((entry) => entry.trim()).filter((entry) => entry !== ""));

const readersRule = "must be a whole number from 0 to 10000";
/** What CloudWatch can keep logs for, of up to a year. */
const retentionChoices = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365] as const;

/** Not an address: a TLS client names none. */
const hostName = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;
const isHostOrDomain = (entry: string) => hostName.test(entry.replace(/^\./, ""));

/** Those of other partitions have other services, and other names for them. */
const isRegion = (name: string) =>
  RegionInfo.regions.some((region) => region.name === name && region.partition === "aws");

/**
 * All that a deployment can choose: the context of `cdk.json`, or `-c name=value` on the command line. What is not said
 * here is the same everywhere.
 */
const Context = z.strictObject({
  /** Deployments of one account and region are told apart by it: the stack is `omx-web-<stageName>`. */
  stageName: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,19}$/, "must be 1 to 20 small letters, digits and hyphens, a letter first")
    .default("prod"),
  /** Where to deploy to; without it, where the AWS profile says. */
  region: z.string().refine(isRegion, "must be a commercial region such as us-east-1").optional(),
  /** Processor, memory and disk of a runner: see `runnerSizes` in `runner-cluster.ts`. */
  runnerSize: z.enum(["s", "m", "l", "xl"], "must be s, m, l or xl").default("m"),
  /** Of the runners' processors; arm64 costs a fifth less. The image must be built for it. */
  architecture: z.enum(["arm64", "x86"], "must be arm64 or x86").default("arm64"),
  /**
   * How runners reach the internet: by an address of their own, through a NAT gateway ($33 a month, idle or not), or
   * through a proxy ($7.46) that lets them go to named hosts only.
   */
  network: z.enum(["public", "nat", "proxy"], "must be public, nat or proxy").default("public"),
  /**
   * Hosts that runners may talk to beside those of AWS and of the repositories, where the network is `proxy`:
   * `api.example.com`, or `.example.com` for example.com and all below it.
   */
  egressAllowList: listOf("host names")
    .transform((hosts) => hosts.map((host) => host.toLowerCase()))
    .refine(
      (hosts) => hosts.every(isHostOrDomain),
      "must have entries such as api.example.com, or .example.com for example.com and all below it",
    )
    .default([]),
  /** Jobs of one tenant that run at the same time. */
  maxConcurrentJobs: wholeNumber
    .pipe(FunctionEnvironment.shape.MAX_CONCURRENT_JOBS.unwrap())
    .default(defaultConcurrentJobs),
  /** Jobs of one tenant that wait for it; one more is refused. */
  maxQueuedJobs: wholeNumber.pipe(FunctionEnvironment.shape.MAX_QUEUED_JOBS.unwrap()).default(defaultQueuedJobs),
  /** Runners that wait for jobs to come, so that a job need not wait for Fargate; paid for whether one comes or not. */
  warmRunners: wholeNumber.pipe(FunctionEnvironment.shape.WARM_RUNNERS.unwrap()).default(0),
  /**
   * Requests for events that are answered at the same time; a stream is one for two minutes. It keeps readers from taking all
   * of the account's Lambda concurrency, and is taken from it: an account whose limit is below 200 needs 0, no limit.
   */
  maxEventReaders: wholeNumber
    .transform(Number)
    .pipe(z.int(readersRule).min(0, readersRule).max(10_000, readersRule))
    .default(100),
  /** Days for which ended jobs, their events and the logs are kept. Those that CloudWatch knows. */
  retentionDays: wholeNumber
    .transform(Number)
    .pipe(z.literal(retentionChoices, `must be one of ${retentionChoices.join(", ")}`))
    .default(defaultRetentionDays),
  /** URL prefixes of the repositories that may be cloned. Runners get out over https only. */
  repositoryAllowList: listOf("URL prefixes").default(["https://github.com/"]),
  /** What `owner/name` is looked up on. */
  gitBaseUrl: z.url("must be a URL such as https://github.com/").default("https://github.com/"),
  /** Name of an SSM parameter (SecureString) with a token for cloning from the host of `gitBaseUrl`. */
  gitTokenParameter: z
    .string()
    .regex(/^\/[\w.-]+(?:\/[\w.-]+)*$/, "must be the name of an SSM parameter, such as /omx-web/git-token")
    .optional(),
  /** Who is told of alarms; the address has to be confirmed once. */
  alarmEmail: z.email("must be an e-mail address").optional(),
  /** The runner's image in a registry. Without it, `cdk deploy` builds `runner/Dockerfile`, which takes Docker. */
  imageUri: z
    .string()
    .regex(/^[\w.:-]+(?:\/[\w.-]+)*(?::[\w.-]+|@sha256:[0-9a-f]{64})$/, "must be an image with a tag or a digest")
    .optional(),
  /** Whether the jobs' table outlives the stack, and is protected from being deleted. */
  keepData: switchedOn.default(true),
  /** Leaves out what emulators of AWS cannot take; each place says what and why. */
  emulator: switchedOn.default(false),
});

const Configuration = Context.superRefine((given, { addIssue }) => {
  const { emulator, network, gitBaseUrl, repositoryAllowList, egressAllowList } = given;
  const fault = (path: string, message: string) => addIssue({ code: "custom", path: [path], message });
  if (network !== "proxy" && egressAllowList.length > 0)
    fault("egressAllowList", "must be empty unless network is proxy");
  if (emulator) {
    // MiniStack rolls a stack back that has a NAT gateway or an elastic address, and starts no instances.
    if (network !== "public") fault("network", "must be public with an emulator");
    return;
  }
  if (!gitBaseUrl.startsWith("https://")) fault("gitBaseUrl", "must begin with https://, by which runners get out");
  if (repositoryAllowList.length === 0) fault("repositoryAllowList", "must name at least one URL prefix");
  if (!repositoryAllowList.every((prefix) => prefix.startsWith("https://")))
    fault("repositoryAllowList", "must have entries that begin with https://, by which runners get out");
  if (network !== "proxy") return;
  if (!namesHost(gitBaseUrl))
    fault("gitBaseUrl", "must name a host, as https://github.com/ does, for the proxy to allow");
  if (!repositoryAllowList.every(namesHost))
    fault(
      "repositoryAllowList",
      "must have entries that name a host, as https://github.com/ does, for the proxy to allow",
    );
});

/** Up to the slash: as a prefix, `https://git` would be of many hosts. */
function namesHost(prefix: string): boolean {
  const [, host] = /^https:\/\/([^/]+)\//.exec(prefix) ?? [];
  return host !== undefined && hostName.test(host);
}
export type Configuration = z.infer<typeof Configuration> & { readonly stackName: string };

/** Raised for a configuration that cannot be deployed; the message is a sentence for whoever wrote it. */
export class ConfigurationInvalid extends Error {
  override readonly name = "ConfigurationInvalid";
}

/** Reads the configuration from an app's context. Throws `ConfigurationInvalid` for the first value that is wrong. */
export function readConfiguration(context: Readonly<Record<string, unknown>>): Configuration {
  const own = Object.entries(context).filter(([key]) => !isOfCdk(key));
  const parsed = Configuration.safeParse(Object.fromEntries(own));
  if (parsed.success) return { ...parsed.data, stackName: `omx-web-${parsed.data.stageName}` };
  throw new ConfigurationInvalid(sentence(parsed.error.issues[0], context));
}

/** CDK keeps its feature flags, its look-ups and its CLI's settings in the same place. */
function isOfCdk(key: string): boolean {
  return key.includes(":") || key === "cli-telemetry";
}

function sentence(issue: z.core.$ZodIssue | undefined, context: Readonly<Record<string, unknown>>): string {
  if (issue?.code === "unrecognized_keys") {
    const known = Object.keys(Context.shape).join(", ");
    return `The context has no key ${issue.keys[0]}: mend its name in cdk.json or behind -c; there are ${known}.`;
  }
  const key = String(issue?.path[0]);
  return `The context's ${key} ${issue?.message}, and not ${JSON.stringify(context[key])}: set it in cdk.json or by -c ${key}=….`;
}
