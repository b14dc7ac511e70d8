import { writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import { openapiDocument } from "./document.ts";

/** Writes the committed OpenAPI file anew: `npm run openapi`. */
const head = "# Made from openapi/routes.ts by `npm run openapi`. Do not edit.\n";
await writeFile(
  new URL("openapi.v1.yaml", import.meta.url),
  head + stringify(openapiDocument(), { aliasDuplicateObjects: false, lineWidth: 120 }),
);
