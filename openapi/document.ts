import * as z from "zod";
import { Problem, problemKinds } from "./problem.ts";
import { problemsOf, type Route } from "./route.ts";
import { routeNames, routes } from "./routes.ts";

type Schema = Record<string, unknown>;

/** The OpenAPI 3.1 document, made from the route table and its schemas. */
export function openapiDocument() {
  const schemas: Record<string, Schema> = {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const name of routeNames) {
    const route: Route = routes[name];
    paths[route.path] ??= {};
    Object.assign(paths[route.path] ?? {}, { [route.method.toLowerCase()]: operation(name, route, schemas) });
  }
  schemaOf(Problem, "output", schemas);
  return {
    openapi: "3.1.0",
    info: {
      title: "omx-web",
      version: "1",
      summary: "Teams of coding agents on a git repository, every pane watchable, every byte an ordered event.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    // Relative to this document: an API Gateway stage has a path of its own.
    servers: [{ url: "." }],
    paths,
    components: {
      schemas: sorted(schemas),
      securitySchemes: {
        key: {
          type: "http",
          scheme: "bearer",
          description:
            "A key, `omx_<keyId>_<secret>`. Each operation says which scope it asks for. The embedded start on loopback " +
            "asks for keys with `AUTH=keys` only.",
        },
      },
    },
  };
}

function operation(operationId: string, route: Route, schemas: Record<string, Schema>) {
  const { summary, description, success } = route;
  return {
    operationId,
    summary,
    ...(description && { description }),
    security: route.public ? [] : [{ key: [route.scope] }],
    parameters: [
      ...parameters("path", route.params, schemas),
      ...parameters("query", route.query, schemas),
      ...(route.idempotent ? [idempotencyKey] : []),
      ...(route.streams ? [lastEventId] : []),
    ],
    ...(route.body && {
      requestBody: { required: true, content: content("application/json", schemaOf(route.body, "input", schemas)) },
    }),
    responses: {
      [success.status]: {
        description: summary,
        content: {
          ...content(success.contentType, schemaOf(success.body, "output", schemas)),
          ...(route.streams && content("text/event-stream", { type: "string" })),
        },
      },
      ...problemResponses(route),
    },
  };
}

function problemResponses(route: Route) {
  const byStatus = Map.groupBy(problemsOf(route), (code) => problemKinds[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, kinds]) => [
      status,
      {
        description: kinds.map((code) => `\`${code}\`: ${problemKinds[code].title}`).join("; "),
        content: content("application/problem+json", { $ref: "#/components/schemas/Problem" }),
      },
    ]),
  );
}

function parameters(place: "path" | "query", object: z.ZodObject | undefined, schemas: Record<string, Schema>) {
  return Object.entries(object?.shape ?? {}).map(([name, schema]) => {
    const { description, ...rest } = singleValue(schemaOf(schema as z.ZodType, "input", schemas));
    return { name, in: place, required: place === "path", ...(description ? { description } : {}), schema: rest };
  });
}

/** A query parameter that may stand once is parsed from an array of one; the document shows the one. */
function singleValue(schema: Schema): Schema {
  const { prefixItems, ...rest } = schema;
  const only = Array.isArray(prefixItems) && prefixItems.length === 1 ? (prefixItems[0] as Schema) : undefined;
  return only ? { ...only, ...(rest.description ? { description: rest.description } : {}) } : schema;
}

/** The JSON schema of `schema`; those that have an id go among the components and are referred to. */
function schemaOf(schema: z.ZodType, io: "input" | "output", schemas: Record<string, Schema>): Schema {
  const { $schema, $defs, ...root } = z.toJSONSchema(schema, { io, reused: "inline" }) as Schema & {
    $defs?: Record<string, Schema>;
  };
  for (const [id, definition] of Object.entries($defs ?? {})) schemas[id] ??= toComponent(definition);
  const component = toComponent(root);
  const { id } = z.globalRegistry.get(schema) ?? {};
  if (id === undefined) return component;
  schemas[id] ??= component;
  return { $ref: `#/components/schemas/${id}` };
}

function toComponent(schema: Schema): Schema {
  const { id, ...rest } = JSON.parse(JSON.stringify(schema).replaceAll("#/$defs/", "#/components/schemas/")) as Schema;
  return rest;
}

function content(mediaType: string, schema: Schema) {
  return { [mediaType]: { schema } };
}

function sorted(schemas: Record<string, Schema>) {
  return Object.fromEntries(Object.entries(schemas).sort(([first], [second]) => (first < second ? -1 : 1)));
}

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "Yours, unique per request; a repeated request with it is answered like the first.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

const lastEventId = {
  name: "Last-Event-ID",
  in: "header",
  required: false,
  description: "For the stream: the last seq that you have; wins over `after`.",
  schema: { type: "string", pattern: "^\\d{1,9}$" },
};
