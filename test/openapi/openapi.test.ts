import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { openapiDocument } from "../../openapi/document.ts";
import { handlerFile } from "../../openapi/handler-file.ts";
import { openapiYaml } from "../../openapi/openapi-yaml.ts";
import { gatewayProblems, Problem, problemBody, problemKinds } from "../../openapi/problem.ts";
import type { Route } from "../../openapi/route.ts";
import { routeNames, routes } from "../../openapi/routes.ts";

const root = new URL("../../", import.meta.url);
const document = openapiDocument();

describe("the committed OpenAPI file", () => {
  test("is what the route table says", async () => {
    const committed = await readFile(new URL("openapi/openapi.v1.yaml", root), "utf8");

    expect(committed, "openapi/openapi.v1.yaml is stale: run `npm run openapi` and commit it").toBe(openapiYaml());
  });

  test("says the same as the document that the API answers", async () => {
    expect(parse(openapiYaml())).toEqual(JSON.parse(JSON.stringify(document)));
  });
});

describe("the OpenAPI document", () => {
  test("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();

    expect(await validator.validate(JSON.parse(JSON.stringify(document)))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("has something behind each of its references, and refers to each of its schemas", () => {
    const references = new Set(JSON.stringify(document).match(/#\/components\/schemas\/[^"]+/g));
    const schemas = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);

    expect([...references].filter((reference) => !schemas.includes(reference))).toEqual([]);
    expect(schemas.filter((schema) => !references.has(schema))).toEqual([]);
  });

  test("has an operation for each route, under its name", () => {
    for (const name of routeNames) {
      const { path, method } = routes[name];
      expect(document.paths[path]?.[method.toLowerCase()]).toMatchObject({ operationId: name });
    }
    expect(Object.values(document.paths).flatMap(Object.keys)).toHaveLength(routeNames.length);
  });

  test("says each path parameter that a path has", () => {
    for (const name of routeNames) {
      const { path, params }: Route = routes[name];
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      expect(Object.keys(params?.shape ?? {})).toEqual(inPath);
    }
  });

  test("refuses fields that it does not know, as the API does", () => {
    expect(document.components.schemas.NewJob).toMatchObject({ additionalProperties: false });
    expect(document.components.schemas.JobOptions).toMatchObject({ additionalProperties: false });
  });

  test("asks for a key with the route's scope wherever the route is not public, and says that its rows may be of a newer version", () => {
    for (const name of routeNames) {
      const route: Route = routes[name];
      const operation = document.paths[route.path]?.[route.method.toLowerCase()];
      const expected = route.public
        ? { security: [], responses: { 500: {} } }
        : { security: [{ key: [route.scope] }], responses: { 401: {}, 403: {}, 503: {} } };
      expect(operation).toMatchObject(expected);
    }
  });

  test("has no open route but those that tell of the service", () => {
    const open = routeNames.filter((name) => "public" in routes[name]);

    expect(open).toEqual(["getHealth", "getOpenapi", "getDocs", "getDocsAsset"]);
  });

  test("asks for writing wherever something is changed, and for reading elsewhere", () => {
    for (const name of routeNames) {
      const { method, scope }: Route = routes[name];
      if (scope) expect(scope).toBe(method === "POST" ? "jobs:write" : "jobs:read");
    }
  });
});

describe("the handlers", () => {
  test.each(routeNames)("of %s is in its own file", (name) => {
    expect(existsSync(new URL(handlerFile(name), root)), `write ${handlerFile(name)}`).toBe(true);
  });

  test("have each a route", async () => {
    const files = await readdir(new URL("functions/api/", root));

    expect(files.map((file) => `functions/api/${file}`).toSorted()).toEqual(routeNames.map(handlerFile).toSorted());
  });

  test("are found by the name of their route in kebab case", () => {
    expect(handlerFile("getDocsAsset")).toBe("functions/api/get-docs-asset.ts");
  });
});

describe("a problem", () => {
  const about = { detail: "Why.", instance: "/v1/jobs", requestId: "r-1" };

  test.each(Object.entries(problemKinds))("of the kind %s has its status, title and code", (code, kind) => {
    const body = problemBody(code as keyof typeof problemKinds, about);

    expect(Problem.parse(body)).toEqual(body);
    expect(body).toEqual({ type: "about:blank", ...kind, ...about, code });
  });

  test("that the gateway answers has the status of its kind", () => {
    for (const [status, code] of Object.entries(gatewayProblems))
      expect(problemKinds[code].status).toBe(Number(status));
  });
});
