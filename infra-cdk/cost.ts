import { ConfigurationInvalid } from "./configuration.ts";
import { idleCost } from "./cost/idle-cost.ts";
import { jobCost, overCompute } from "./cost/job-cost.ts";
import { pricesAsOf } from "./cost/prices.ts";
import { type CostLine, Template, total } from "./cost/template.ts";
import { synthesize } from "./synthesize.ts";

/** Prints what the deployment costs, idle and by the job, from its template: `npm run cost -- runnerSize=l network=nat`. */
const jobs = 1_000;

function main(args: readonly string[]): string {
  const given = Object.fromEntries(args.map((argument) => argument.split(/=(.*)/s).slice(0, 2)));
  const template = Template.parse(synthesize(given).template);
  const idle = idleCost(template);
  const cost = jobCost(template, jobs);
  const { compute, addresses, rest, besides } = cost;
  const { withoutAddresses, withAddresses } = overCompute(cost);
  const all = [...compute, ...addresses, ...rest];
  return [
    `List prices: ${pricesAsOf}. "Billed" leaves out, of the idle month, what every account has for nothing.`,
    table("A month without jobs", idle),
    table(`${jobs} jobs of 10 minutes`, all),
    `All but the addresses costs ${withoutAddresses.toFixed(3)} times what compute costs, all ${withAddresses.toFixed(3)} times.`,
    table("Besides, by what agents and watchers do", besides),
  ].join("\n\n");
}

function table(title: string, lines: readonly CostLine[]): string {
  const sum = { what: "total", quantity: "", dollars: total(lines, "dollars"), billed: total(lines, "billed") };
  const cells = ({ what, quantity, dollars, billed }: CostLine) =>
    `${what.padEnd(44)}${quantity.padStart(26)}${dollars.toFixed(3).padStart(10)}${billed.toFixed(3).padStart(10)}`;
  const head = `${title.padEnd(44)}${"".padStart(26)}${"list $".padStart(10)}${"billed $".padStart(10)}`;
  return [head, ...[...lines, sum].map(cells)].join("\n");
}

try {
  process.stdout.write(`${main(process.argv.slice(2))}\n`);
} catch (error) {
  if (!(error instanceof ConfigurationInvalid)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
