import { DataDirectoryInUse } from "./dynamo/dynamo-server.ts";
import { PortInUse } from "./gateway/port-in-use.ts";
import { installTools } from "./install-tools.ts";
import { TableOutdated } from "./provision.ts";
import { checkRunnerSettings } from "./runner-settings.ts";
import { type LocalSettings, readSettings, SettingsInvalid } from "./settings.ts";
import { startStack } from "./stack.ts";
import { stopSignal } from "./stop-signal.ts";

/** `npm start`: the embedded stack, until Ctrl-C. */
try {
  installTools();
  const settings = readSettings(process.argv.slice(2));
  await checkRunnerSettings(settings);
  await serve(settings);
  process.exit(0);
} catch (error) {
  const isExpected =
    error instanceof SettingsInvalid ||
    error instanceof PortInUse ||
    error instanceof DataDirectoryInUse ||
    error instanceof TableOutdated;
  if (!isExpected) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

async function serve(settings: LocalSettings): Promise<void> {
  const stopping = stopSignal();
  await using stack = await startStack(settings, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(greeting(stack.url.replace("127.0.0.1", "localhost"), settings));
  await stopping;
  const work = settings.dataDirectory === undefined ? "" : ` What the agents have made stays in ${settings.workRoot}.`;
  const fate = settings.dataDirectory === undefined ? "are ended" : "start anew with the next npm start";
  process.stdout.write(`\nStopping: running jobs ${fate}, kept tmux sessions are closed.${work}\n`);
}

function greeting(url: string, settings: LocalSettings): string {
  const asksForKeys = settings.auth === "keys";
  const who = asksForKeys ? ", and to keys alone" : ", and no key is asked for";
  const makeKey = `\n  export OMX_KEY=$(npm run -s keys -- create --tenant local --data-dir ${settings.dataDirectory})\n`;
  const key = asksForKeys ? '-H "Authorization: Bearer $OMX_KEY" ' : "";
  const data = settings.dataDirectory ?? "in memory, gone at the end (--ephemeral)";
  return `
omx-web, the embedded stack. Open to this machine only${who}.

  emulated      DynamoDB (dynalite), SQS (fauxqs), API Gateway and ECS (our own)
  not emulated  IAM, throttling, and above all containers: a runner is a child process of yours, so the agents'
                commands run on this machine, with its files and its network. Give it only tasks you trust.
  data          ${data}
  workspaces    ${settings.workRoot}

  API           ${url}/v1/jobs
  documentation ${url}/docs

Try it:
${asksForKeys ? makeKey : ""}
  curl -s -X POST ${url}/v1/jobs ${key}-H 'Content-Type: application/json' -d '{
    "provider": "custom", "mode": "team", "repo": "octocat/Hello-World", "task": "인사말을 추가해줘",
    "options": {"agentCommands": {
      "planner": "echo \\"계획: $JOB_TASK\\" | tee $JOB_PLAN_FILE",
      "executor": "date >> README && git diff --stat",
      "verifier": "git diff --exit-code --quiet && exit 1 || echo changed"}}}'

  curl -s ${url}/v1/jobs/JOB_ID/events ${key}-H 'Accept: text/event-stream' -N

Ready on ${url} (Ctrl-C stops it)
`;
}
