import * as z from "zod";

const HeaderValue = z.union([z.string(), z.number(), z.boolean()]);

/** What stands before the body of an answer; a streaming function gives it to `HttpResponseStream.from`. */
export const ResultHead = z.object({
  statusCode: z.int().min(200).max(599),
  headers: z.record(z.string(), HeaderValue).nullish(),
  multiValueHeaders: z.record(z.string(), z.array(HeaderValue)).nullish(),
});
export type ResultHead = z.infer<typeof ResultHead>;

/** What API Gateway (REST, Lambda proxy integration) takes from a buffered function. */
export const ProxyResult = ResultHead.extend({
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});
export type ProxyResult = z.infer<typeof ProxyResult>;

/** They describe the connection and the framing, which are the gateway's. */
const NOT_THE_FUNCTIONS = new Set(["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"]);

/** Both kinds of headers in one, by lower-case name; a value that is in both is sent once. */
export function toHttpHeaders({ headers, multiValueHeaders }: ResultHead): Record<string, string | string[]> {
  const byName: Record<string, string | string[]> = { "content-type": "application/json" };
  const set = (name: string, value: string | string[]) => {
    const lowerCaseName = name.toLowerCase();
    if (!NOT_THE_FUNCTIONS.has(lowerCaseName)) byName[lowerCaseName] = value;
  };
  for (const [name, value] of Object.entries(headers ?? {})) set(name, String(value));
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) {
    const single = headers?.[name] ?? [];
    set(name, [...new Set([single, values].flat().map(String))]);
  }
  return byName;
}
