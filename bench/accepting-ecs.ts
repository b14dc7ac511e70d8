import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

const answer = JSON.stringify({
  tasks: [{ taskArn: "arn:aws:ecs:us-east-1:000000000000:task/bench/1" }],
  failures: [],
  session: { sessionId: "bench", streamUrl: "wss://bench", tokenValue: "bench" },
});

/** An ECS that answers each RunTask with a task and each ExecuteCommand with a session, and starts nothing. */
export async function startAcceptingEcs(cleanUp: AsyncDisposableStack): Promise<string> {
  const server = createServer((request, response) => {
    void text(request).then(() => {
      response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
      response.end(answer);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  cleanUp.defer(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
