import { openapiDocument } from "../../openapi/document.ts";
import { lambdaFor } from "../http.ts";

export const handler = lambdaFor("getOpenapi", () => {
  const document = openapiDocument();
  return async () => ({ body: document });
});
