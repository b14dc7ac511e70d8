import * as z from "zod";
import type { Resource, Statement, SynthesizedTemplate } from "./synthesized-template.ts";

/** What somebody asks AWS to be allowed, as IAM sees it. */
export interface IamRequest {
  readonly action: string;
  readonly resource: string;
  /** The values of condition keys. */
  readonly context: Readonly<Record<string, readonly string[]>>;
}

type Json = z.infer<ReturnType<typeof z.json>>;

const Intrinsic = z.union([
  z.strictObject({ Ref: z.string() }),
  z.strictObject({ "Fn::GetAtt": z.tuple([z.string(), z.literal("Arn")]) }),
  z.strictObject({ "Fn::Join": z.tuple([z.literal(""), z.array(z.json())]) }),
]);

/** As the emulators have them. */
const pseudoParameters: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "us-east-1",
  "AWS::AccountId": "000000000000",
};

const namesByType: Readonly<Record<string, (id: string, properties: Resource["Properties"]) => string>> = {
  "AWS::DynamoDB::Table": (id) => `dynamodb:us-east-1:000000000000:table/${id}`,
  "AWS::SQS::Queue": (id) => `sqs:us-east-1:000000000000:${id}`,
  "AWS::ECS::Cluster": (_id, { ClusterName }) => `ecs:us-east-1:000000000000:cluster/${ClusterName}`,
  "AWS::IAM::Role": (id) => `iam::000000000000:role/${id}`,
};

/**
 * Decides by a template's policies as IAM would. It knows the operators and the intrinsic functions that the template has,
 * and throws at any other.
 */
export class IamPolicies {
  readonly #template: SynthesizedTemplate;

  constructor(template: SynthesizedTemplate) {
    this.#template = template;
  }

  /** Each action of the role's statements by itself. */
  grantsOf(role: string): Statement[] {
    return this.#template
      .statementsOf(role)
      .flatMap((statement) => statement.Action.map((action) => ({ ...statement, Action: [action] })));
  }

  allows(statement: Statement, { action, resource, context }: IamRequest): boolean {
    if (statement.Effect !== "Allow") throw new Error(`Effect ${statement.Effect} is not known here.`);
    return (
      statement.Action.some((pattern) => isLike(action, pattern)) &&
      this.#texts(statement.Resource).some((pattern) => isLike(resource, pattern)) &&
      Object.entries(statement.Condition).every(([operator, bounds]) =>
        Object.entries(bounds).every(([key, bound]) => holds(operator, context[key], this.#texts(bound))),
      )
    );
  }

  /** The text that a deployment would have in this place. */
  text(value: Json | undefined): string {
    if (typeof value === "string") return value;
    const intrinsic = Intrinsic.parse(value);
    if ("Fn::Join" in intrinsic) return intrinsic["Fn::Join"][1].map((part) => this.text(part)).join("");
    if ("Fn::GetAtt" in intrinsic) return this.#arnOf(intrinsic["Fn::GetAtt"][0]);
    return pseudoParameters[intrinsic.Ref] ?? this.#arnOf(intrinsic.Ref).replace(/.*[:/]/, "");
  }

  #texts(value: Json | undefined): string[] {
    return [value].flat().map((one) => this.text(one));
  }

  #arnOf(id: string): string {
    const { Type, Properties } = this.#template.resources[id] ?? { Type: "nothing", Properties: {} };
    const name = namesByType[Type];
    if (name === undefined) throw new Error(`${id} is ${Type}, of which no name is known here.`);
    return `arn:aws:${name(id, Properties)}`;
  }
}

function holds(operator: string, values: readonly string[] | undefined, bounds: readonly string[]): boolean {
  switch (operator) {
    case "StringEquals":
    case "ArnEquals":
      return values?.some((value) => bounds.includes(value)) ?? false;
    // True of no values at all: whoever makes requests has to see that there are some.
    case "ForAllValues:StringLike":
      return values?.every((value) => bounds.some((bound) => isLike(value, bound))) ?? true;
    default:
      throw new Error(`The operator ${operator} is not known here.`);
  }
}

/** IAM's `*` is any text, slashes and colons too. */
function isLike(value: string, pattern: string): boolean {
  const literal = pattern.replaceAll(/[\\^$.+?()[\]{}|]/g, "\\$&");
  return new RegExp(`^${literal.replaceAll("*", ".*")}$`, "s").test(value);
}
