import {
  DisableRuleCommand,
  EventBridgeClient,
  ListRuleNamesByTargetCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Rule,
} from "@aws-sdk/client-eventbridge";

/** CloudFormation begins a rule's name with the stack's, as far as there is room: a rule of others is left alone. */
const NamePrefix = "omx-web-";

/** Switches off all that calls the function that is called when a task of the cluster stops: reconcile, also by the clock. */
export async function disableRules(cluster: string): Promise<readonly string[]> {
  const client = new EventBridgeClient({});
  try {
    const names = new Set<string>();
    for await (const { Name, EventPattern } of rules(client)) {
      if (!EventPattern?.includes(`:cluster/${cluster}"`)) continue;
      for (const name of await withTheSameTargets(client, Name)) names.add(name);
    }
    for (const Name of names) await client.send(new DisableRuleCommand({ Name }));
    return [...names];
  } finally {
    client.destroy();
  }
}

async function withTheSameTargets(client: EventBridgeClient, Rule: string | undefined): Promise<string[]> {
  const { Targets = [] } = await client.send(new ListTargetsByRuleCommand({ Rule }));
  const names: string[] = [];
  for (const { Arn } of Targets) {
    const { RuleNames = [] } = await client.send(new ListRuleNamesByTargetCommand({ TargetArn: Arn }));
    names.push(...RuleNames);
  }
  return names.filter((name) => name.startsWith(NamePrefix));
}

/** The SDK has no paginator for them. */
async function* rules(client: EventBridgeClient): AsyncIterable<Rule> {
  let next: string | undefined;
  do {
    const { Rules = [], NextToken } = await client.send(new ListRulesCommand({ NamePrefix, NextToken: next }));
    yield* Rules;
    next = NextToken;
  } while (next !== undefined);
}
