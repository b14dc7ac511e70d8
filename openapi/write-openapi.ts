import { writeFile } from "node:fs/promises";
import { openapiYaml } from "./openapi-yaml.ts";

/** Writes the committed OpenAPI file anew: `npm run openapi`. */
await writeFile(new URL("openapi.v1.yaml", import.meta.url), openapiYaml());
