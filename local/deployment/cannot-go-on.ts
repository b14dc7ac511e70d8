/** Raised where only the user can help; the message is a sentence that says what to do. */
export class CannotGoOn extends Error {
  override readonly name = "CannotGoOn";
}

/** Runs a command of the local deployment; what the user can mend is said in a sentence, with exit code 1. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof Error && expected.has(error.name))) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

const expected: ReadonlySet<string> = new Set(["CannotGoOn", "SettingsInvalid", "PortInUse", "EnvironmentInvalid"]);
