import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import * as z from "zod";

export interface TestRule {
  readonly Name: string;
  readonly EventPattern?: string;
  /** The ARN of what it calls. */
  readonly target: string;
}

const Input = z.object({
  Name: z.string().optional(),
  NamePrefix: z.string().default(""),
  NextToken: z.string().optional(),
  Rule: z.string().optional(),
  TargetArn: z.string().optional(),
});
type Input = z.infer<typeof Input>;

/** An EventBridge that has these rules, and answers one of them a page. */
export async function testEventBridge(rules: readonly TestRule[]) {
  const disabled: (string | undefined)[] = [];
  const actions: Readonly<Record<string, (input: Input) => object>> = {
    ListRules({ NamePrefix, NextToken = "0" }) {
      const found = rules.filter(({ Name }) => Name.startsWith(NamePrefix));
      const next = Number(NextToken) + 1;
      return { Rules: found.slice(next - 1, next), ...(next < found.length && { NextToken: String(next) }) };
    },
    ListTargetsByRule: ({ Rule }) => ({
      Targets: rules.filter(({ Name }) => Name === Rule).map(({ target }) => ({ Id: "Target0", Arn: target })),
    }),
    ListRuleNamesByTarget: ({ TargetArn }) => ({
      RuleNames: rules.filter(({ target }) => target === TargetArn).map(({ Name }) => Name),
    }),
    DisableRule({ Name }) {
      disabled.push(Name);
      return {};
    },
  };
  const server = createServer(async (request, response) => {
    const action = String(request.headers["x-amz-target"]).replace(/.*\./, "");
    const answer = actions[action]?.(Input.parse(await json(request)));
    response.writeHead(answer ? 200 : 400, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(answer ?? {}));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    disabled,
    [Symbol.dispose]: () => void server.close().closeAllConnections(),
  };
}
