import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEcs } from "../ecs/ecs-server.ts";
import { identify } from "../ecs/process-identity.ts";
import { PortInUse } from "../gateway/port-in-use.ts";
import { useEmulator } from "../process-environments.ts";
import { bundleRunner } from "../runner-bundle.ts";
import { type LocalSettings, readSettings } from "../settings.ts";
import { stopSignal } from "../stop-signal.ts";
import { inTurn } from "../timer.ts";
import { CannotGoOn, runCommand } from "./cannot-go-on.ts";
import { deliverEvent } from "./deliver-events.ts";
import { openFrontDoor } from "./front-door.ts";
import { startMiniStack } from "./ministack-process.ts";
import { taskFamily } from "./names.ts";
import { running } from "./records.ts";
import { removeRemains, stateFolder, tasksFolder } from "./remains.ts";
import { runnerTask } from "./runner-tasks.ts";

/** What `local:up` leaves in the background: MiniStack, and the ECS that runs its tasks. Arguments: port, MiniStack's Python. */

const maximumRunners = 50;
const runnerStopSeconds = 30;

const log = (line: string) => void process.stdout.write(`${line}\n`);

const [port = "", python = ""] = process.argv.slice(2);
await runCommand(() => serve(Number(port), python, readSettings([])));
process.exit();

async function serve(port: number, python: string, given: LocalSettings): Promise<void> {
  const stopping = stopSignal();
  await using cleanUp = new AsyncDisposableStack();
  const workRoot = await mkdtemp(join(tmpdir(), "omx-web-local-"));
  // A runner that is root gives the panes to another user, who has to get there.
  await chmod(workRoot, 0o711);
  cleanUp.defer(() => removeRemains(workRoot, given.path));
  const settings = { ...given, workRoot, runner: { TMUX_KEEP_SESSION_ON_FINISH: "0", ...given.runner } };
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });

  const endpoint = `http://127.0.0.1:${port}`;
  useEmulator(endpoint);
  cleanUp.use(await openFrontDoor(port, join(stateFolder, "socket")).catch(sayPort));
  const ministack = await startWithTasks(settings, { endpoint, python }, cleanUp);
  const host = identify(process.pid);
  if (host === undefined) throw new Error("This process cannot be found.");
  await running.write({ endpoint, workRoot, host, ministack: ministack.identity });
  const gone = ministack.ended.then(() => {
    throw new CannotGoOn("MiniStack has ended by itself.");
  });
  await Promise.race([stopping, gone]);
}

interface Place {
  readonly endpoint: string;
  readonly python: string;
}

async function startWithTasks(settings: LocalSettings, { endpoint, python }: Place, cleanUp: AsyncDisposableStack) {
  const compileCache = join(stateFolder, "runner");
  const bundle = await bundleRunner(compileCache);
  // The tasks are stopped while MiniStack is there still: they hand their jobs back.
  const tasks = cleanUp.use(new AsyncDisposableStack());
  const isOpen = new AbortController();
  const deliver = inTurn(deliverEvent, log);
  const ecs = await startEcs({
    port: 0,
    ownUserOnly: true,
    workingDirectory: tasksFolder,
    taskDefinitions: { [taskFamily]: () => runnerTask({ settings, endpoint, bundle, compileCache }) },
    maximumTasks: maximumRunners,
    stopTimeoutSeconds: runnerStopSeconds,
    onTaskStopped: (event) => {
      if (!isOpen.signal.aborted) deliver(event);
    },
    onTaskOutput: (taskArn, line) => log(`runner ${taskArn.slice(-6)}: ${line}`),
  });
  const ecsEndpoint = ecs.endpoint;
  const ministack = await startMiniStack({ python, folder: stateFolder, endpoint, ecsEndpoint, path: settings.path });
  tasks.use(ministack);
  tasks.use(ecs);
  tasks.defer(() => isOpen.abort());
  return ministack;
}

function sayPort(error: unknown): never {
  if (!(error instanceof PortInUse)) throw error;
  const other = `MINISTACK_PORT=${error.port + 1} npm run local:up`;
  throw new CannotGoOn(`Port ${error.port} is in use by another program. Stop it, or take another port: ${other}`);
}
