import type { Configuration } from "./configuration.ts";

interface Deployment {
  readonly configuration: Pick<
    Configuration,
    "egressAllowList" | "gitBaseUrl" | "gitTokenParameter" | "imageUri" | "repositoryAllowList"
  >;
  /** Of the stack; both may be tokens of CDK. */
  readonly account: string;
  readonly region: string;
}

/**
 * Whom runners may talk to where the network is `proxy`: what the service itself needs, and what the configuration names.
 * All of `.amazonaws.com` would include everybody's buckets.
 */
export function egressAllowList({ configuration, ...where }: Deployment): string[] {
  const { egressAllowList, gitBaseUrl, repositoryAllowList } = configuration;
  const repositories = [gitBaseUrl, ...repositoryAllowList].map((url) => new URL(url).hostname);
  return [...new Set([...awsHosts({ configuration, ...where }), ...repositories, ...egressAllowList])];
}

/** The table and the image's layers are not among them: there is a way of their own to DynamoDB and S3. */
function awsHosts({ configuration, account, region }: Deployment): string[] {
  const service = (name: string) => `${name}.${region}.amazonaws.com`;
  return [
    service("sqs"),
    service("logs"),
    // Of ECS Exec.
    service("ssmmessages"),
    // ECS reads the token when it starts a task, by the task's network.
    ...(configuration.gitTokenParameter === undefined ? [] : [service("ssm")]),
    ...registryHosts(configuration.imageUri ?? `${service(`${account}.dkr.ecr`)}/`, region),
  ];
}

/** Of the registry that the image names. Where another one sends those who pull is for the configuration's list to say. */
function registryHosts(imageUri: string, region: string): string[] {
  const [host = ""] = imageUri.split("/");
  const [, regionOfImage] = /^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com$/.exec(host) ?? [];
  if (host.includes(".dkr.ecr.")) return [host, `api.ecr.${regionOfImage ?? region}.amazonaws.com`];
  return host.includes(".") ? [host] : [];
}
