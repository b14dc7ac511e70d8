import type { RouteName } from "./routes.ts";

/** Where a route's handler lives: `createJob` is answered by `functions/api/create-job.ts`. */
export function handlerFile(name: RouteName): string {
  return `functions/api/${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`;
}
