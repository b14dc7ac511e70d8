import type * as z from "zod";
import type { Scope } from "../core/api-key.ts";
import type { ProblemCode } from "./problem.ts";

/** One operation of the API. Its handler is `functions/api/<name in kebab-case>.ts`. */
export type Route = Operation & Access;

interface Operation {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** The answer may be longer than a buffered one: API Gateway passes it on as it is written. */
  readonly streams?: true;
  readonly params?: z.ZodObject;
  /** Query parameters. A repeated one arrives as an array. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly idempotent?: true;
  readonly success: { readonly status: number; readonly contentType: string; readonly body: z.ZodType };
  readonly problems: readonly ProblemCode[];
}

/** A route is open to callers without a key, or asks for a key with this scope. */
type Access = { readonly public: true; readonly scope?: never } | { readonly public?: never; readonly scope: Scope };

/** All that a route may answer when it goes wrong. */
export function problemsOf(route: Route): readonly ProblemCode[] {
  return [
    ...route.problems,
    ...(route.public ? [] : (["unauthorized", "forbidden", "newer_version"] as const)),
    "internal_error",
  ];
}
