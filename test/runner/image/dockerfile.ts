import { readFileSync } from "node:fs";
import * as z from "zod";

const text = readFileSync(new URL("../../../runner/Dockerfile", import.meta.url), "utf8");
/** What the image is made by; the stage before it only bundles the runner. */
const lastStage = text.slice(text.lastIndexOf("\nFROM "));

/** The part of `runner/Dockerfile` that a container engine acts on when a container starts, and what is pinned. */
export const dockerfile = {
  text,
  lastStage,
  environment: Object.fromEntries(
    [...lastStage.matchAll(/^ENV (\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
  ),
  entryPoint: z.array(z.string()).parse(JSON.parse(/^ENTRYPOINT (.*)$/m.exec(lastStage)?.[1] ?? "")),
  buildArguments: new Map([...text.matchAll(/^ARG (\w+)=(\S*)$/gm)].map(([, name = "", value = ""]) => [name, value])),
};
