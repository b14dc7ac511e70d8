import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Answer, lambdaFor } from "../http.ts";
import { ProblemError } from "../problem-error.ts";

const require = createRequire(import.meta.url);

const assets: Readonly<Record<string, { readonly contentType: string; readonly read: () => Promise<string> }>> = {
  "swagger-ui.css": { contentType: "text/css; charset=utf-8", read: () => packaged("swagger-ui.css") },
  "swagger-ui-bundle.js": {
    contentType: "text/javascript; charset=utf-8",
    read: () => packaged("swagger-ui-bundle.js"),
  },
  "start.js": { contentType: "text/javascript; charset=utf-8", read: async () => start },
};

const start = `window.ui = SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true });\n`;

/** From the package, so that the page works without any other host. */
function packaged(file: string): Promise<string> {
  return readFile(require.resolve(`swagger-ui-dist/${file}`), "utf8");
}

export function getDocsAsset(): Answer<"getDocsAsset"> {
  return async ({ params }) => {
    const asset = Object.hasOwn(assets, params.file) ? assets[params.file] : undefined;
    if (asset === undefined) throw new ProblemError("not_found", `There is no /docs/${params.file}. Start at /docs.`);
    const headers = { "Content-Type": asset.contentType, "Cache-Control": "public, max-age=3600" };
    return { body: await asset.read(), headers };
  };
}

export const handler = lambdaFor("getDocsAsset", getDocsAsset);
