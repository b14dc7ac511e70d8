import type { Route } from "../openapi/route.ts";
import { routes } from "../openapi/routes.ts";
import { startApiEmulators } from "./api-emulators.ts";
import { type ColdStart, coldStart } from "./cold-start.ts";
import { temporaryDirectory } from "./directories.ts";
import { firstRequests } from "./first-requests.ts";
import { type BundledFunction, bundleFunctions, type FunctionName } from "./function-bundles.ts";
import { compare, kilobytes, milliseconds, type Report, type Row } from "./report.ts";
import { alternate } from "./statistics.ts";

const rounds = 11;
const atMost = 1.5;

interface ColdStarts {
  readonly own: readonly ColdStart[];
  readonly bare: readonly ColdStart[];
}

/** What each Lambda function weighs, and what it takes to import it and to answer first, against a bare one. */
export async function measureFunctions(cleanUp: AsyncDisposableStack): Promise<Report> {
  const bundles = await bundleFunctions(await temporaryDirectory(cleanUp));
  const starter = await startFunctions(cleanUp);
  const rows: Row[] = [];
  for (const bundle of bundles) rows.push(...rowsOf(bundle, await starter(bundle)));
  return {
    title: "Functions",
    method:
      "Each function bundled as it is deployed, loaded in a new Node process each time as Lambda's runtime does, and called " +
      `once; ${rounds} rounds in turns. Times are processor time of that process (user and system, all threads), which a busy ` +
      "machine disturbs less than the clock. DynamoDB and SQS (the emulators) and an ECS that starts nothing have another process. " +
      "Baseline: a bare handler, bundled by the same options, that does the same work by the same SDK calls and checks nothing; " +
      "both make their clients at the first request.",
    rows,
    tables: [],
    notes: [
      "Functions without SDK clients have an empty handler as baseline. Beside nothing, middleware and schemas are " +
        "everything, so the ratio has no target there; the figures say what a cold start pays for them.",
    ],
  };
}

async function startFunctions(
  cleanUp: AsyncDisposableStack,
): Promise<(bundle: BundledFunction) => Promise<ColdStarts>> {
  const emulators = await startApiEmulators(cleanUp);
  // Where nothing is to be looked after, so that each run of reconcile finds the same.
  const unused = await startApiEmulators(cleanUp);
  const requests = await firstRequests(emulators);
  return ({ name, own, bare }) => {
    const { environment } = name === "reconcile" ? unused : emulators;
    const start = (bundle: typeof own) => async () => {
      const call = { event: await requests[name](), streams: routeOf(name)?.streams === true };
      const started = await coldStart(bundle, call, environment);
      if (started.status !== routeOf(name)?.success.status)
        throw new Error(`${name} answered ${started.status}: ${bundle.path}`);
      return started;
    };
    return alternate(rounds, { bare: start(bare), own: start(own) });
  };
}

function routeOf(name: FunctionName): Route | undefined {
  return name === "authorizer" || name === "reconcile" ? undefined : routes[name];
}

function rowsOf({ name, clients, own, bare }: BundledFunction, starts: ColdStarts): Row[] {
  const target = clients.length > 0 ? { atMost } : undefined;
  const of = clients.length > 0 ? `bare, ${clients.join(" + ")}` : "an empty handler";
  const times = (what: string, time: "importMilliseconds" | "answerMilliseconds") => {
    const values = (side: readonly ColdStart[]) => side.map((start) => start[time]);
    return compare(`${name}: ${what}`, milliseconds, values(starts.own), { values: values(starts.bare), of }, target);
  };
  return [
    compare(`${name}: bundle`, kilobytes, [own.bytes], { values: [bare.bytes], of }, target),
    times("import", "importMilliseconds"),
    times("import and first invocation", "answerMilliseconds"),
  ];
}
