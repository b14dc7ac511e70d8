import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BatchWriteCommand, type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { dynamoEventLog } from "../adapters/dynamo-event-log.ts";
import { eventsPartition, eventsSortKey } from "../adapters/dynamo-table.ts";
import { JobEventWriter } from "../runner/event-writer.ts";
import { JobStop } from "../runner/job-stop.ts";
import { OutputBudget } from "../runner/output-budget.ts";
import { PaneOutput } from "../runner/pane-output.ts";
import { startTmuxSession } from "../runner/tmux/start-tmux-session.ts";
import { agentJsonLines, cliCommands } from "./cli-output.ts";
import { temporaryDirectory } from "./directories.ts";
import { meterCapacity, startTable, tableName } from "./dynamo.ts";
import { compare, type Report } from "./report.ts";

const path = process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin";
const never = new AbortController().signal;
const uncompressedChunkBytes = 64 * 1_024;
/** How much of each output is stored for the baselines; a unit per megabyte does not depend on it. */
const baselineBytes = 1_000_000;
/** An agent that thinks between its lines: bytes it prints, twice a second. */
const slowBytes = 10_000;
const slowPieces = 20;

interface Cost {
  readonly name: string;
  readonly bytes: number;
  readonly ours: number;
  readonly perLine: number;
  readonly perChunk: number;
}

/** What DynamoDB charges for storing the output of real programs, by its own account. */
export async function measureWriteUnits(cleanUp: AsyncDisposableStack): Promise<Report> {
  const { client } = await startTable(cleanUp);
  const meter = meterCapacity(client);
  const directory = await temporaryDirectory(cleanUp);
  await writeFile(join(directory, "agent.jsonl"), agentJsonLines());

  const unitsPerMegabyte = async (bytes: number, store: () => Promise<unknown>) => {
    const before = meter.units;
    await store();
    return (meter.units - before) / (bytes / 1_000_000);
  };
  const costOf = async (
    name: string,
    output: Buffer,
    pieces: readonly Buffer[],
    pauseMilliseconds: number,
  ): Promise<Cost> => {
    const sample = output.subarray(0, baselineBytes);
    const ours = await unitsPerMegabyte(output.length, () => throughWriter(client, pieces, pauseMilliseconds));
    const perLine = await unitsPerMegabyte(sample.length, () => linePerItem(client, sample));
    const perChunk = await unitsPerMegabyte(sample.length, () => uncompressed(client, sample));
    return { name, bytes: output.length, ours, perLine, perChunk };
  };

  const costs: Cost[] = [];
  for (const [name, command] of Object.entries(cliCommands(directory))) {
    const pieces = await outputInPane(directory, command);
    costs.push(await costOf(name, Buffer.concat(pieces), pieces, 0));
  }
  const slow = Buffer.from(agentJsonLines().replaceAll("\n", "\r\n")).subarray(0, slowBytes * slowPieces);
  const slowly = Array.from({ length: slowPieces }, (_, index) =>
    slow.subarray(index * slowBytes, (index + 1) * slowBytes),
  );
  const slowCost = await costOf("agent CLI, JSON lines, 20 kB/s", slow, slowly, 500);
  return report(costs, slowCost);
}

function report(costs: readonly Cost[], slow: Cost): Report {
  const bytes = costs.reduce((sum, cost) => sum + cost.bytes, 0);
  /** Over all outputs together: the mean, weighted by their sizes. */
  const overall = (kind: "ours" | "perLine" | "perChunk") =>
    costs.reduce((sum, cost) => sum + cost[kind] * cost.bytes, 0) / bytes;
  const show = (units: number) => `${units.toFixed(0)} WU/MB`;
  const row = (what: string, kind: "perLine" | "perChunk", of: string, atMost: number) =>
    compare(what, show, [overall("ours")], { values: [overall(kind)], of }, { atMost });
  const line = ({ name, bytes, ours, perLine, perChunk }: Cost) => [
    ...[name, `${(bytes / 1_000_000).toFixed(2)} MB`, ours.toFixed(0), perLine.toFixed(0), perChunk.toFixed(0)],
    ...[(ours / perLine).toFixed(3), (ours / perChunk).toFixed(2)],
  ];
  return {
    title: "Write units",
    method:
      `${(bytes / 1_000_000).toFixed(1)} MB that real programs print into a tmux pane, stored by the runner's event writer ` +
      "and the event log's adapter. Counted are the write units that DynamoDB (dynalite) answers to " +
      "`ReturnConsumedCapacity`. Baselines: one item per line of output, and items of 64 KiB of uncompressed text.",
    rows: [
      row("Write units per MB, against one item per line", "perLine", "one item per line", 1 / 4),
      row("Write units per MB, against uncompressed chunks", "perChunk", "uncompressed chunks of 64 KiB", 1 / 3),
    ],
    tables: [
      {
        title: "By program (write units per MB)",
        head: ["output", "size", "ours", "item per line", "64 KiB chunks", "ratio to lines", "ratio to chunks"],
        lines: [...costs, slow].map(line),
      },
    ],
    notes: [
      "The last line of the table is not in the sums: a slow agent fills a batch of half a second with 10 kB, while its " +
        "baseline still has whole chunks of 64 KiB.",
    ],
  };
}

/** The bytes as the runner gets them from a real pane: with the terminal's CRLF, in the spool's chunks. */
async function outputInPane(directory: string, command: string): Promise<Buffer[]> {
  const name = `omx-bench-${crypto.randomUUID().slice(0, 8)}`;
  await using session = await startTmuxSession({
    ...{ name, directory: join(directory, name), roles: ["executor"], marker: `JOB_ID=${name}`, path, signal: never },
    ...{ stopGraceMilliseconds: 2_000, maximumSpoolBytes: 1_000_000_000 },
  });
  const pieces: Buffer[] = [];
  const onOutput = (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes));
  const environment = { PATH: path, TERM: "screen-256color", HOME: directory, GIT_PAGER: "cat" };
  const exit = await session.panes
    .get("executor")
    ?.run({ command, environment, workingDirectory: "/", onOutput }, never);
  if (exit?.kind !== "exited" || exit.exitCode !== 0 || pieces.length === 0)
    throw new Error(`${command}: ${JSON.stringify(exit)}`);
  return pieces;
}

async function throughWriter(
  client: DynamoDBDocumentClient,
  pieces: readonly Buffer[],
  pauseMilliseconds: number,
): Promise<void> {
  const author = { jobId: crypto.randomUUID(), attempt: 1, tail: undefined };
  await using events = new JobEventWriter(dynamoEventLog(client, tableName), author, new JobStop());
  const output = new PaneOutput("executor", {}, new OutputBudget(Number.POSITIVE_INFINITY), (event) =>
    events.write(event),
  );
  for (const piece of pieces) {
    await output.push(piece);
    if (pauseMilliseconds > 0) await delay(pauseMilliseconds);
  }
  await output.end();
}

async function linePerItem(client: DynamoDBDocumentClient, output: Buffer): Promise<void> {
  const pk = eventsPartition(crypto.randomUUID());
  const ts = new Date().toISOString();
  const items = output
    .toString()
    .split("\n")
    .map((text, index) => ({ pk, sk: eventsSortKey(index + 1), ts, role: "executor", text }));
  // The most that one call may write: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
  for (let start = 0; start < items.length; start += 25) {
    const puts = items.slice(start, start + 25).map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
  }
}

async function uncompressed(client: DynamoDBDocumentClient, output: Buffer): Promise<void> {
  const pk = eventsPartition(crypto.randomUUID());
  for (let start = 0; start < output.length; start += uncompressedChunkBytes) {
    const text = output.toString("utf8", start, start + uncompressedChunkBytes);
    const Item = { pk, sk: eventsSortKey(start + 1), ts: new Date().toISOString(), role: "executor", text };
    await client.send(new PutCommand({ TableName: tableName, Item }));
  }
}
