import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { ProcessIdentity } from "../ecs/process-identity.ts";
import { folder } from "./folder.ts";

/** What `local:up` has started. */
const Running = z.object({
  endpoint: z.url(),
  workRoot: z.string(),
  host: ProcessIdentity,
  ministack: ProcessIdentity,
});
export type Running = z.infer<typeof Running>;

/** What `local:deploy` has made. */
const Deployment = z.object({
  endpoint: z.url(),
  apiUrl: z.url(),
  tableName: z.string(),
});

export const running = record("running.json", Running);
export const deployment = record("deployment.json", Deployment);

function record<Schema extends z.ZodType>(name: string, schema: Schema) {
  const file = join(folder, name);
  return {
    /** Undefined where there is none, or none of this version. */
    async read(): Promise<z.infer<Schema> | undefined> {
      const text = await readFile(file, "utf8").catch(() => undefined);
      return text === undefined ? undefined : schema.safeParse(JSON.parse(text)).data;
    },
    async write(value: z.infer<Schema>): Promise<void> {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(`${file}.new`, JSON.stringify(value), { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
    remove: () => rm(file, { force: true }),
  };
}
