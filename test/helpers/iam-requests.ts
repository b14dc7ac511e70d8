import * as z from "zod";
import type { IamRequest } from "./iam-policies.ts";

/** What a deployment has, by the names that its policies give it. */
export interface DeployedNames {
  readonly tableArn: string;
  readonly queueArn: string;
  readonly clusterArn: string;
  /** Those that its tasks are given. */
  readonly roleArns: readonly string[];
}

/** A call of an SDK's client. */
export interface SdkCall {
  readonly command: string;
  readonly input: unknown;
}

/** A middleware of the SDK, for the step `initialize`, that notes each call. */
export function noting(calls: SdkCall[]) {
  return <Parameters extends { readonly input: object }, Answer>(
    next: (parameters: Parameters) => Promise<Answer>,
    context: { readonly commandName?: string },
  ) =>
    (parameters: Parameters): Promise<Answer> => {
      calls.push({ command: (context.commandName ?? "").replace(/Command$/, ""), input: parameters.input });
      return next(parameters);
    };
}

/** What the call has to be allowed. Throws where that is not known: a call that nobody recognises is no allowed one. */
export function iamRequestsOf({ command, input }: SdkCall, names: DeployedNames): IamRequest[] {
  const requests = requestsByCommand[command];
  if (requests === undefined) throw new Error(`What ${command} has to be allowed is not known here.`);
  return requests(input, names, command);
}

type Requests = (input: unknown, names: DeployedNames, command: string) => IamRequest[];

const Key = z.looseObject({ pk: z.string() });
const OfKey = z.object({ Key });
const OfItem = z.object({ Item: Key });
const OfBatch = z.object({ RequestItems: z.record(z.string(), z.object({ Keys: z.array(Key).min(1) })) });
const OfQuery = z.object({
  IndexName: z.string().optional(),
  KeyConditionExpression: z.string().regex(/^\w+ = :\w+/),
  ExpressionAttributeValues: z.record(z.string(), z.json()),
});
const OfFamily = z.object({ taskDefinition: z.string() });
const OfTask = z.object({ task: z.string() });
const OfTasks = z.object({ tasks: z.array(z.string()).min(1) });
const OfContainer = z.object({ task: z.string(), container: z.string() });

const byKey: Requests = (input, names, command) => inTable(command, names, [OfKey.parse(input).Key.pk]);
const ofQueue: Requests = (_input, { queueArn }, command) => [
  { action: `sqs:${command}`, resource: queueArn, context: {} },
];

const requestsByCommand: Readonly<Record<string, Requests>> = {
  GetItem: byKey,
  UpdateItem: byKey,
  PutItem: (input, names, command) => inTable(command, names, [OfItem.parse(input).Item.pk]),
  BatchGetItem: (input, names, command) => {
    const keys = Object.values(OfBatch.parse(input).RequestItems).flatMap(({ Keys }) => Keys);
    const partitions = keys.map(({ pk }) => pk);
    return inTable(command, names, partitions);
  },
  Query: (input, names, command) => {
    const { IndexName, KeyConditionExpression, ExpressionAttributeValues } = OfQuery.parse(input);
    const [, value = ""] = /^\w+ = (:\w+)/.exec(KeyConditionExpression) ?? [];
    const partition = z.string().parse(ExpressionAttributeValues[value]);
    return inTable(command, names, [partition], IndexName);
  },
  SendMessage: ofQueue,
  ReceiveMessage: ofQueue,
  DeleteMessage: ofQueue,
  RunTask: (input, names) => [
    inCluster("RunTask", names, latestRevision(OfFamily.parse(input).taskDefinition)),
    ...names.roleArns.map((resource) => ({
      ...{ action: "iam:PassRole", resource },
      context: { "iam:PassedToService": ["ecs-tasks.amazonaws.com"] },
    })),
  ],
  StopTask: (input, names) => [inCluster("StopTask", names, OfTask.parse(input).task)],
  DescribeTasks: (input, names) => OfTasks.parse(input).tasks.map((task) => inCluster("DescribeTasks", names, task)),
  // Of no container instance, so that there is no resource.
  ListTasks: (_input, names) => [inCluster("ListTasks", names, "*")],
  ExecuteCommand: (input, names) => {
    const { task, container } = OfContainer.parse(input);
    return [names.clusterArn, task].map((resource) => {
      const { context, ...request } = inCluster("ExecuteCommand", names, resource);
      return { ...request, context: { ...context, "ecs:container-name": [container] } };
    });
  },
};

/** A launch names the family only; what IAM looks at is the revision that it comes to. */
function latestRevision(family: string): string {
  return `arn:aws:ecs:us-east-1:000000000000:task-definition/${family}:1`;
}

function inTable(command: string, { tableArn }: DeployedNames, partitions: readonly string[], index?: string) {
  const resource = index === undefined ? tableArn : `${tableArn}/index/${index}`;
  return [{ action: `dynamodb:${command}`, resource, context: { "dynamodb:LeadingKeys": partitions } }];
}

function inCluster(command: string, { clusterArn }: DeployedNames, resource: string): IamRequest {
  return { action: `ecs:${command}`, resource, context: { "ecs:cluster": [clusterArn] } };
}
