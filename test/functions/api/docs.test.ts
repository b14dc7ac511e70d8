import { describe, expect, test } from "vitest";
import { handler as getDocs } from "../../../functions/api/get-docs.ts";
import { handler as getDocsAsset } from "../../../functions/api/get-docs-asset.ts";
import { handler as getHealth } from "../../../functions/api/get-health.ts";
import { handler as getOpenapi } from "../../../functions/api/get-openapi.ts";
import { openapiDocument } from "../../../openapi/document.ts";
import { callerOf } from "../../helpers/api.ts";

/** What needs no key. */
const anybody = { tenantId: null };
const docs = callerOf("getDocs", getDocs);
const asset = (file: string) => callerOf("getDocsAsset", getDocsAsset)({ ...anybody, params: { file } });

describe("the documentation page", () => {
  test("is HTML that loads its own scripts and styles only", async () => {
    const { status, headers, body } = await docs(anybody);

    expect(status).toBe(200);
    expect(headers["Content-Type"]).toBe("text/html; charset=utf-8");
    expect(headers["Content-Security-Policy"]).toContain("default-src 'self'");
    expect(body).toMatch(/^<!doctype html>/);
    expect(body).not.toMatch(/https?:/);
    expect(body).not.toMatch(/<script>/);
  });

  test("has each script and style that it loads among the assets, relative to itself", async () => {
    const page = String((await docs(anybody)).body);
    const loaded = [...page.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)].map(([, url]) => url ?? "");

    expect(loaded).toEqual(["docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js"]);
    for (const url of loaded) expect((await asset(url.replace("docs/", ""))).status).toBe(200);
  });
});

describe("an asset of the page", () => {
  test.each([
    ["swagger-ui.css", "text/css; charset=utf-8", ".swagger-ui"],
    ["swagger-ui-bundle.js", "text/javascript; charset=utf-8", "SwaggerUIBundle"],
    ["start.js", "text/javascript; charset=utf-8", 'url: "openapi.json"'],
  ])("has its type and may be kept: %s", async (file, contentType, part) => {
    const { headers, body } = await asset(file);

    expect(headers).toMatchObject({ "Content-Type": contentType, "Cache-Control": "public, max-age=3600" });
    expect(body).toContain(part);
  });

  test.each(["", "index.html", "package.json", "../package.json", "__proto__", "constructor", "swagger-ui.css.map"])(
    "is not any other file: %j",
    async (file) => {
      expect(await asset(file)).toMatchObject({ status: 404, body: { code: "not_found" } });
    },
  );
});

test("The API describes itself", async () => {
  const { status, body } = await callerOf("getOpenapi", getOpenapi)(anybody);

  expect(status).toBe(200);
  expect(body).toEqual(JSON.parse(JSON.stringify(openapiDocument())));
});

test("The API says that it answers", async () => {
  expect(await callerOf("getHealth", getHealth)(anybody)).toMatchObject({ status: 200, body: { status: "ok" } });
});
