import { stringify } from "yaml";
import { openapiDocument } from "./document.ts";

const head = "# Made from openapi/routes.ts by `npm run openapi`. Do not edit.\n";

/** The text of the committed OpenAPI file. */
export function openapiYaml(): string {
  return head + stringify(openapiDocument(), { aliasDuplicateObjects: false, lineWidth: 120 });
}
