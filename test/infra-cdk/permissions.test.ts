import { expect, test } from "vitest";
import * as z from "zod";
import { IamPolicies, type IamRequest } from "../helpers/iam-policies.ts";
import { type DeployedNames, iamRequestsOf, type SdkCall } from "../helpers/iam-requests.ts";
import { SynthesizedTemplate } from "../helpers/synthesized-template.ts";
import { emulatedAws } from "./role-ports.ts";
import { workOf } from "./role-work.ts";

/** Its cluster and its tasks are named as the emulated ones. */
const template = new SynthesizedTemplate({ stageName: "local" });
const policies = new IamPolicies(template);
const aws = await emulatedAws();

const rolesBesides: Readonly<Record<string, string>> = {
  reconcile: "BackgroundreconcileRole",
  runner: "RunnersTaskRole",
};

/**
 * What the agent of ECS Exec does in a task role's name, and the code does not.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions
 */
const ofExecAgent = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"].map(
  (channel): IamRequest => ({ action: `ssmmessages:${channel}`, resource: "*", context: {} }),
);

/** By what the runner's task is told, and given. */
function deployedNames(): DeployedNames {
  const Task = z.object({
    ContainerDefinitions: z.tuple([
      z.object({ Environment: z.array(z.object({ Name: z.string(), Value: z.json() })) }),
    ]),
    TaskRoleArn: z.json(),
    ExecutionRoleArn: z.json(),
  });
  const { ContainerDefinitions, TaskRoleArn, ExecutionRoleArn } = Task.parse(
    template.only("AWS::ECS::TaskDefinition").Properties,
  );
  const told = (name: string) =>
    policies.text(ContainerDefinitions[0].Environment.find(({ Name }) => Name === name)?.Value);
  return {
    tableArn: `arn:aws:dynamodb:us-east-1:000000000000:table/${told("TABLE_NAME")}`,
    queueArn: `arn:aws:sqs:us-east-1:000000000000:${told("QUEUE_URL")}`,
    clusterArn: "arn:aws:ecs:us-east-1:000000000000:cluster/omx-web-local",
    roleArns: [TaskRoleArn, ExecutionRoleArn].map((role) => policies.text(role)),
  };
}

test.each(Object.entries(workOf))("%s may do all that it does, and needs all that it may do", async (name, work) => {
  const calls: SdkCall[] = [];
  await work(aws.ports(calls), aws);
  const requests = calls.flatMap((call) => iamRequestsOf(call, deployedNames()));
  if (name === "runner") requests.push(...ofExecAgent);
  const grants = policies.grantsOf(rolesBesides[name] ?? `Api${name}Role`);

  const refused = requests.filter((request) => !grants.some((grant) => policies.allows(grant, request)));
  // Logs and traces are written by Lambda.
  const ofService = grants.filter(({ Action }) => !/^(?:logs|xray):/.test(Action.join()));
  const unneeded = ofService.filter((grant) => !requests.some((request) => policies.allows(grant, request)));

  expect(refused).toEqual([]);
  expect(unneeded).toEqual([]);
});
