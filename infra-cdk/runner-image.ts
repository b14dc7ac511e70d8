import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Repository } from "aws-cdk-lib/aws-ecr";
import { Platform } from "aws-cdk-lib/aws-ecr-assets";
import { ContainerImage } from "aws-cdk-lib/aws-ecs";
import type { Construct } from "constructs";
import { type Configuration, ConfigurationInvalid } from "./configuration.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const dockerfile = "runner/Dockerfile";

const platforms = {
  arm64: Platform.LINUX_ARM64,
  x86: Platform.LINUX_AMD64,
} as const satisfies Record<Configuration["architecture"], Platform>;

/** The image that the configuration names, or the one that `cdk deploy` builds: only then Docker is needed. */
export function runnerImage(scope: Construct, { imageUri, architecture }: Configuration): ContainerImage {
  if (imageUri !== undefined) return existingImage(scope, imageUri);
  if (!existsSync(`${root}/${dockerfile}`))
    throw new ConfigurationInvalid(`There is no ${dockerfile} to build the runner's image from: name one by imageUri.`);
  return ContainerImage.fromAsset(root, { file: dockerfile, platform: platforms[architecture] });
}

/** An image of a private registry of AWS, which ECS must be allowed to pull, or of any other. */
function existingImage(scope: Construct, uri: string): ContainerImage {
  const [, account, region, name, tag, digest] =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^:@]+)(?::(.+)|@(.+))$/.exec(uri) ?? [];
  if (account === undefined || name === undefined) return ContainerImage.fromRegistry(uri);
  const repositoryArn = `arn:aws:ecr:${region}:${account}:repository/${name}`;
  const repository = Repository.fromRepositoryAttributes(scope, "Repository", { repositoryArn, repositoryName: name });
  return ContainerImage.fromEcrRepository(repository, tag ?? digest);
}
