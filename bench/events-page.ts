import { EventPage } from "../openapi/routes.ts";
import { startApiEmulators } from "./api-emulators.ts";
import { startApiServer } from "./api-process.ts";
import { limit, milliseconds, type Report, type Row } from "./report.ts";
import { alternate, median } from "./statistics.ts";
import { eventsPerBatch, storeJob } from "./stored-job.ts";

const sizes = [10, 1_000, 100_000] as const;
const rounds = 150;
const warmUpRounds = 30;
const atMost = 1.3;

/** A page that is asked for in logs of different lengths. */
interface Page {
  readonly name: string;
  readonly sizes: readonly number[];
  /** Where it begins in a log of so many events. */
  readonly query: (stored: number) => string;
  readonly events: number;
}

const pages: readonly Page[] = [
  { name: "at the end, nothing new", sizes, query: (stored) => `after=${stored}&limit=100`, events: 0 },
  { name: "at the end, the last 5 events", sizes, query: (stored) => `after=${stored - 5}&limit=100`, events: 5 },
  { name: "in the middle, 5 events", sizes, query: (stored) => `after=${middleOf(stored)}&limit=5`, events: 5 },
  {
    name: "in the middle, 100 events",
    sizes: sizes.slice(1),
    query: (stored) => `after=${middleOf(stored)}&limit=100`,
    events: 100,
  },
];

/** Inside a batch for every size: a page that begins with a batch is cheaper. */
function middleOf(stored: number): number {
  const half = Math.floor(stored / 2 / eventsPerBatch) * eventsPerBatch;
  return half + Math.min(stored, eventsPerBatch) / 2;
}

/** Whether a page of events costs the same in a long log as in a short one. */
export async function measureEventsPage(cleanUp: AsyncDisposableStack): Promise<Report> {
  const emulators = await startApiEmulators(cleanUp);
  const { urls } = await startApiServer(cleanUp, emulators.environment);
  const jobs = new Map<number, string>();
  for (const size of sizes) jobs.set(size, await storeJob(emulators, size));

  const rows: Row[] = [];
  for (const page of pages) {
    const times = await alternate(
      rounds + warmUpRounds,
      Object.fromEntries(
        page.sizes.map((size) => [
          size,
          () => readPage(`${urls.ours}/v1/jobs/${jobs.get(size)}/events?${page.query(size)}`, page.events),
        ]),
      ),
    );
    rows.push(
      rowOf(
        page,
        page.sizes.map((size) => median((times[size] ?? []).slice(warmUpRounds))),
      ),
    );
  }
  return {
    title: "Events page",
    method:
      "`GET /v1/jobs/{jobId}/events` in logs of 10, 1,000 and 100,000 events, one request at a time " +
      `in turns, ${rounds} rounds. The ratio is that of the slowest median to the fastest; each log is the others' baseline. There are ${eventsPerBatch} events to a stored batch; the middle lies inside of one.`,
    rows,
    tables: [],
    notes: ["A log of 10 events has no page of 100, so it is compared by pages of as many events as it can give."],
  };
}

function rowOf(page: Page, medians: readonly number[]): Row {
  const ratio = Math.max(...medians) / Math.min(...medians);
  const shown = page.sizes.map(
    (size, index) => `${milliseconds(medians[index] ?? Number.NaN)} of ${size.toLocaleString("en")}`,
  );
  const [baseline = "", ...others] = shown;
  const target = `≤ ${atMost}`;
  const row = limit({
    what: `Events page ${page.name}`,
    measured: others.join(", "),
    baseline,
    target,
    met: ratio <= atMost,
  });
  return { ...row, ratio: ratio.toFixed(2) };
}

async function readPage(url: string, events: number): Promise<number> {
  const beganAt = performance.now();
  const body = await (await fetch(url)).text();
  const took = performance.now() - beganAt;
  const page = EventPage.parse(JSON.parse(body));
  if (page.events.length !== events) throw new Error(`${url} gave ${page.events.length} events and not ${events}.`);
  return took;
}
