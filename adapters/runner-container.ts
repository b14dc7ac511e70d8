/** The name of the runner's container in its task definition. */
export const runnerContainer = "runner";

/** Where runner/Dockerfile puts the program by which people attach; it takes `--write`. */
export const attachProgram = "/opt/omx/attach";
