import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

/** A client that has sent one of the hundred bytes of its request's body; the server has seen so much. */
export async function startStalledClient(endpoint: string): Promise<Socket> {
  const { hostname, port } = new URL(endpoint);
  const client = createConnection({ host: hostname, port: Number(port) });
  client.write(`POST / HTTP/1.1\r\nhost: ${hostname}\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n{`);
  // "100 Continue" comes when the server has read the head.
  await once(client, "data");
  return client;
}
