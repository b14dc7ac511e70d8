import {
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  TestEventPatternCommand,
} from "@aws-sdk/client-eventbridge";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { stackName } from "./names.ts";

/**
 * Does for the stand-in's events what EventBridge does for those of ECS: invokes the functions of the deployment's rules
 * whose pattern fits. MiniStack sends no events of ECS, and PutEvents takes none of a source of AWS.
 */
export async function deliverEvent(event: object): Promise<void> {
  using clients = openClients();
  // One page: it holds a hundred, and the deployment has two.
  const { Rules = [] } = await clients.events.send(new ListRulesCommand({ NamePrefix: stackName }));
  for (const { Name, EventPattern, State } of Rules) {
    if (Name === undefined || EventPattern === undefined || State === "DISABLED") continue;
    const fits = new TestEventPatternCommand({ EventPattern, Event: JSON.stringify(event) });
    if ((await clients.events.send(fits)).Result) await invokeTargets(clients, Name, event);
  }
}

interface Clients extends Disposable {
  readonly events: EventBridgeClient;
  readonly functions: LambdaClient;
}

function openClients(): Clients {
  const [events, functions] = [new EventBridgeClient({}), new LambdaClient({})];
  return {
    events,
    functions,
    [Symbol.dispose]() {
      events.destroy();
      functions.destroy();
    },
  };
}

async function invokeTargets({ events, functions }: Clients, Rule: string, event: object): Promise<void> {
  const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ Rule }));
  for (const { Arn } of Targets) {
    const Payload = JSON.stringify(event);
    await functions.send(new InvokeCommand({ FunctionName: Arn, InvocationType: "Event", Payload }));
  }
}
