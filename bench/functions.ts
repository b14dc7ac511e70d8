import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { temporaryDirectory } from "./directories.ts";
import { type Bundle, type BundledFunction, bundleFunctions } from "./function-bundles.ts";
import { compare, kilobytes, milliseconds, type Report, type Row } from "./report.ts";
import { alternate } from "./statistics.ts";

const rounds = 11;
const atMost = 1.5;

/** What each Lambda function weighs and how long it takes to import, against a bare one with the same SDK clients. */
export async function measureFunctions(cleanUp: AsyncDisposableStack): Promise<Report> {
  const directory = await temporaryDirectory(cleanUp);
  const bundles = await bundleFunctions(directory);
  const times = await alternate(
    rounds,
    Object.fromEntries(
      bundles.flatMap(({ name, own, bare }) => [
        [`${name} bare`, () => importMilliseconds(bare)],
        [`${name} own`, () => importMilliseconds(own)],
      ]),
    ),
  );
  const sizeRow = ({ name, clients, own, bare }: BundledFunction) =>
    row(`${name}: bundle`, kilobytes, [own.bytes], [bare.bytes], clients);
  const timeRow = ({ name, clients }: BundledFunction) =>
    row(`${name}: import`, milliseconds, times[`${name} own`] ?? [], times[`${name} bare`] ?? [], clients);
  return {
    title: "Functions",
    method:
      "Each function bundled by esbuild (minified, ESM, the SDK in it), imported in a new Node process each " +
      `time, ${rounds} rounds in turns. Baseline: a bare handler that imports the same SDK clients and the commands that ` +
      "the work takes; both make their clients at the first request.",
    rows: bundles.flatMap((bundle) => [sizeRow(bundle), timeRow(bundle)]),
    tables: [],
    notes: [
      "Functions without SDK clients have an empty handler as baseline. Beside nothing, middleware and schemas are " +
        "everything, so the ratio has no target there; the figures say what a cold start pays for them.",
    ],
  };
}

function row(
  what: string,
  show: (value: number) => string,
  own: readonly number[],
  bare: readonly number[],
  clients: readonly string[],
): Row {
  const of = clients.length > 0 ? `bare, ${clients.join(" + ")}` : "an empty handler";
  return compare(what, show, own, { values: bare, of }, clients.length > 0 ? { atMost } : undefined);
}

/** As in Lambda's runtime, `awslambda` is there before the function. */
const script = `
globalThis.awslambda = { streamifyResponse: (handler) => handler };
const beganAt = performance.now();
await import(process.argv[1]);
console.log(performance.now() - beganAt);
`;

/** In a new process, since a module is imported only once; the process's own start is not in it. */
async function importMilliseconds({ path }: Bundle): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "-e",
    script,
    pathToFileURL(path).href,
  ]);
  return Number(stdout);
}
