import * as z from "zod";

const oneOrMore = z.union([z.string().transform((text) => [text]), z.array(z.string())]);

const Statement = z.object({ Effect: z.enum(["Allow", "Deny"]), Action: oneOrMore, Resource: oneOrMore });

/** What an authorizer may answer of IAM's language: neither conditions nor negations. */
export const Policy = z.object({ Statement: z.array(Statement) });
export type Policy = z.infer<typeof Policy>;

/** As IAM decides: something has to allow it, and nothing may deny it. */
export function isInvokeAllowed({ Statement: statements }: Policy, methodArn: string): boolean {
  const effects = statements
    .filter(({ Action }) => Action.some((pattern) => matches(pattern, "execute-api:Invoke")))
    .filter(({ Resource }) => Resource.some((pattern) => matches(pattern, methodArn)))
    .map(({ Effect }) => Effect);
  return effects.includes("Allow") && !effects.includes("Deny");
}

/** `*` stands for any characters, a slash among them, and `?` for one. */
function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[\\^$.+()[\]{}|/-]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(text);
}
