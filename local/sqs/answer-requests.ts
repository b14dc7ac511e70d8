import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { clientGone } from "./forget-dead-polls.ts";

/** What fauxqs's router uses of Fastify, for which it was written. */
interface Router {
  handle(
    request: { headers: IncomingHttpHeaders; body: unknown },
    reply: { status(code: number): unknown; header(name: string, value: string): unknown },
  ): Promise<unknown>;
}

/** SQS's protocol, JSON over HTTP, in front of `router`. */
export function answerRequests(router: Router): RequestListener {
  return (request, response) => {
    const closed = new AbortController();
    response.once("close", () => closed.abort());
    clientGone
      .run(closed.signal, () => answer(router, request, response))
      .catch((error: unknown) => {
        response.statusCode = 500;
        response.end(JSON.stringify({ __type: "com.amazonaws.sqs#InternalFailure", message: String(error) }));
      });
  };
}

async function answer(router: Router, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body: unknown = JSON.parse(await text(request));
  const reply = {
    status: (code: number) => {
      response.statusCode = code;
    },
    header: (name: string, value: string) => response.setHeader(name, value),
  };
  const result = await router.handle({ headers: request.headers, body }, reply);
  response.end(JSON.stringify(result));
}
