// Serves DynamoDB in a process of its own until its input ends.
// Arguments: the data directory, and the number of database writes after which it kills itself (none: never).
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";

const [directory = "", writesToLive] = process.argv.slice(2);

const requireOfDynalite = createRequire(createRequire(import.meta.url).resolve("dynalite"));
const { AbstractLevel } = requireOfDynalite("abstract-level");

let writes = 0;
for (const method of ["put", "del", "batch"]) {
  const write = AbstractLevel.prototype[method];
  AbstractLevel.prototype[method] = async function (...parameters: unknown[]) {
    await write.apply(this, parameters);
    writes += 1;
    if (writes === Number(writesToLive)) process.kill(process.pid, "SIGKILL");
  };
}

await using server = await startDynamo({ port: 0, ...(directory && { directory }) });
process.stdout.write(server.endpoint);
await text(process.stdin);
