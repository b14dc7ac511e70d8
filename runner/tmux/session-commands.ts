// Larger than most terminals: a smaller client sees a part, and an agent's screen does not change with who watches.
const COLUMNS = "200";
const ROWS = "50";
const HISTORY_LINES = "5000";

// tmux takes 16 KiB in one invocation ("command too long"). A pane needs up to 1 KiB: its paths and its role.
const PANES_PER_INVOCATION = 5;

export interface PanePlan {
  readonly role: string;
  readonly argv: readonly string[];
  readonly spoolPath: string;
}

/** What tmux answers to the last invocation, one line for each pane in the order of the plan. */
export interface StartedPane {
  readonly paneId: string;
  readonly processId: number;
}

type TmuxCommand = readonly string[];

/**
 * The commands that start a session, by invocation. A pane and its capture are in the same one: tmux runs a whole
 * command list before it reads from a pane, and so each pane is captured from its first byte.
 */
export function sessionInvocations(name: string, panes: readonly PanePlan[]): readonly (readonly TmuxCommand[])[] {
  const window = `=${name}:0`;
  const creations = panes.map((pane, index) => paneCommands(name, `${window}.${index}`, pane, index));
  const settings = [
    // For the window, not globally: tmux 3.3a crashes on a global "manual" at its next window.
    ["set-option", "-w", "-t", window, "window-size", "manual"],
    ["set-option", "-w", "-t", window, "pane-border-status", "top"],
    ["set-option", "-w", "-t", window, "pane-border-format", " #{@role} "],
    ["select-pane", "-t", `${window}.0`],
    ["list-panes", "-t", window, "-F", "#{pane_id} #{pane_pid}"],
  ];
  const invocations: TmuxCommand[][] = [];
  for (let first = 0; first < panes.length; first += PANES_PER_INVOCATION) {
    invocations.push(creations.slice(first, first + PANES_PER_INVOCATION).flat());
  }
  invocations[0]?.unshift(
    // Only panes made later take the limit.
    ["set-option", "-g", "history-limit", HISTORY_LINES],
    // Whoever attaches keeps their environment to themselves: every process in the session could read it.
    ["set-option", "-g", "update-environment", ""],
  );
  invocations.at(-1)?.push(...settings);
  return invocations;
}

/** Throws on anything but what list-panes prints at the end of `sessionInvocations`. */
export function parseStartedPanes(output: string): readonly StartedPane[] {
  return output.split("\n").map((line) => {
    const [, paneId, processId] = /^(%\d+) (\d+)$/.exec(line) ?? [];
    if (paneId === undefined) throw new Error(`tmux listed an unexpected pane: ${JSON.stringify(output)}`);
    return { paneId, processId: Number(processId) };
  });
}

function paneCommands(name: string, target: string, pane: PanePlan, index: number): readonly TmuxCommand[] {
  const create =
    index === 0
      ? ["new-session", "-d", "-s", name, "-x", COLUMNS, "-y", ROWS, "-n", "team", ...pane.argv]
      : ["split-window", "-t", `=${name}:0.${index - 1}`, ...pane.argv];
  return [
    create,
    ["pipe-pane", "-O", "-t", target, `exec cat >>${pane.spoolPath}`],
    // The border shows the option: programs change their pane's title.
    ["select-pane", "-t", target, "-T", pane.role],
    ["set-option", "-p", "-t", target, "@role", pane.role],
    // After each pane, or there is soon no room to split.
    ["select-layout", "-t", `=${name}:0`, "tiled"],
  ];
}
