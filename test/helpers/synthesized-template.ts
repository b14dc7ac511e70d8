import * as z from "zod";
import { synthesize } from "../../infra-cdk/synthesize.ts";

/** An image that is there already: nothing is built, nor looked for. */
export const imageUri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/omx-web/runner:1.0.0";

const Resource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.json()).default({}),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
});
export type Resource = z.infer<typeof Resource>;

const Statement = z.object({
  Effect: z.string(),
  Action: z.union([z.string(), z.array(z.string())]).transform((actions) => [actions].flat()),
  Resource: z.json().optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.json())).default({}),
});
export type Statement = z.infer<typeof Statement>;

const PolicyDocument = z.object({ Statement: z.array(Statement) });

/** What a configuration is synthesized to. */
export class SynthesizedTemplate {
  readonly resources: Readonly<Record<string, Resource>>;
  readonly template: unknown;

  constructor(given: Readonly<Record<string, unknown>> = {}) {
    this.template = synthesize({ imageUri, ...given }).template;
    this.resources = z.object({ Resources: z.record(z.string(), Resource) }).parse(this.template).Resources;
  }

  of(type: string): Resource[] {
    return Object.values(this.resources).filter(({ Type }) => Type === type);
  }

  only(type: string): Resource {
    const [resource, ...others] = this.of(type);
    if (resource === undefined || others.length > 0) throw new Error(`There are ${others.length + 1} of ${type}.`);
    return resource;
  }

  /** Those of the role whose id begins so. */
  statementsOf(roleId: string): Statement[] {
    return Object.entries(this.resources)
      .filter(([id, { Type }]) => Type === "AWS::IAM::Policy" && id.startsWith(`${roleId}DefaultPolicy`))
      .flatMap(([, { Properties }]) => PolicyDocument.parse(Properties.PolicyDocument).Statement);
  }

  /** Of all roles. */
  statements(): Statement[] {
    return this.of("AWS::IAM::Policy").flatMap(
      ({ Properties }) => PolicyDocument.parse(Properties.PolicyDocument).Statement,
    );
  }
}
