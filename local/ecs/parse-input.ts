import * as z from "zod";
import { EcsError } from "./ecs-error.ts";

/** The input of an operation, or the refusal that ECS has for one that does not fit. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new EcsError("InvalidParameterException", z.prettifyError(parsed.error));
}

/** A request that names no cluster means this one, as on AWS. */
export const ClusterName = z.string().default("default");
