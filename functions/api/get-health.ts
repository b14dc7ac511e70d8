import { lambdaFor } from "../http.ts";

export const handler = lambdaFor("getHealth", () => async () => ({ body: { status: "ok" } }));
