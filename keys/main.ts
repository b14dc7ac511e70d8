import { parseCommandLine, UsageError, usage } from "./command-line.ts";
import { explainFailure } from "./explain-failure.ts";
import { type KeyTable, NoStack, openKeyTable } from "./key-table.ts";
import { KeyNotFound, runCommand } from "./run-command.ts";

/** `npm run keys`: makes, lists and disables the keys of the API, wherever it is deployed. */
try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError || error instanceof NoStack || error instanceof KeyNotFound)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<void> {
  const command = parseCommandLine(args);
  if (command === "help") {
    process.stdout.write(usage);
    return;
  }
  using table = await openKeyTable(command.options);
  const { output, remark } = await runCommand(command, table, new Date()).catch((error: unknown) => fail(error, table));
  process.stdout.write(output);
  process.stderr.write(remark);
}

function fail(error: unknown, table: KeyTable): never {
  const sentence = explainFailure(error, table);
  if (sentence === undefined) throw error;
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
