import { glob, mkdir, mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { importsOf, type Layout, layoutViolations, sourceFiles } from "./helpers/layout.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Processes are started in `runner` and `local` only. */
const node = { "node:": "everywhere", "node:child_process": [] } as const;
const processes = { "node:child_process": "everywhere", execa: "everywhere" } as const;

/** Who may import whom, strictly downward. The one place where the layout is said; docs/architecture.md draws it. */
const layout: Layout = {
  core: { folders: [], packages: { zod: "everywhere" } },
  openapi: {
    folders: ["core"],
    packages: { zod: "everywhere", yaml: ["openapi-yaml.ts"], "node:fs/promises": ["write-openapi.ts"] },
  },
  adapters: { folders: ["core"], packages: { ...node, zod: "everywhere", "@aws-sdk/": "everywhere" } },
  functions: {
    folders: ["core", "openapi", "adapters"],
    packages: {
      ...node,
      zod: "everywhere",
      ulid: "everywhere",
      "aws-lambda": "everywhere",
      "@middy/": ["http.ts"],
      "@aws-sdk/": ["wiring.ts"],
    },
  },
  runner: {
    folders: ["core", "adapters"],
    packages: { ...node, ...processes, zod: "everywhere", "@aws-sdk/": ["main.ts"] },
  },
  keys: {
    folders: ["core", "adapters", "local"],
    packages: { ...node, zod: "everywhere", "@aws-sdk/": "everywhere" },
  },
  "infra-cdk": {
    folders: ["core", "openapi", "adapters"],
    packages: {
      "node:": "everywhere",
      "node:child_process": [],
      zod: "everywhere",
      "aws-cdk-lib": "everywhere",
      constructs: "everywhere",
      esbuild: ["function-code.ts"],
    },
  },
  scripts: {
    folders: ["core", "openapi", "adapters"],
    packages: { ...node, execa: "everywhere", zod: "everywhere", "@aws-sdk/": "everywhere" },
  },
  local: {
    folders: ["core", "openapi", "adapters", "functions", "runner"],
    packages: {
      ...node,
      ...processes,
      zod: "everywhere",
      "@aws-sdk/": "everywhere",
      "aws-lambda": "everywhere",
      dynalite: "everywhere",
      fauxqs: "everywhere",
      "find-my-way": "everywhere",
      esbuild: "everywhere",
    },
  },
};

/** Not part of the product: they may import anything of it, and nothing of it imports them. */
const besides = ["bench", "test"];

const mayReadTheEnvironment = ["adapters/environment.ts", "local/settings.ts", "local/process-environments.ts"];

async function readersOfTheEnvironment(folder: string): Promise<string[]> {
  const files = await Promise.all(Object.keys(layout).map((name) => sourceFiles(folder, name)));
  return files
    .flat()
    .filter(({ text }) => /\bprocess\s*(?:\.\s*env\b|\[)|\benv\b[^;]*\}\s*=\s*process\b/.test(withoutComments(text)))
    .map(({ folder: inFolder, name }) => `${inFolder}/${name}`);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}

describe("the layout", () => {
  test("is kept by every import", async () => {
    expect(await layoutViolations(root, layout)).toEqual([]);
  });

  test("has a row for every folder with source files", async () => {
    const entries = await readdir(root, { withFileTypes: true });
    const unknown = entries
      .filter((entry) => entry.isDirectory() && !/^\.|^node_modules$|^cdk\.out$/.test(entry.name))
      .map(({ name }) => name)
      .filter((folder) => !(folder in layout || besides.includes(folder)));

    const sources = await Promise.all(
      unknown.map((folder) => Array.fromAsync(glob(`${folder}/**/*.ts`, { cwd: root }))),
    );

    expect(sources.flat(), "say in the table above what these folders may import").toEqual([]);
  });

  test("has the environment read in three files; everywhere else it is a parameter", async () => {
    const readers = await readersOfTheEnvironment(root);

    expect(readers.toSorted(), "take the environment as a parameter instead").toEqual(mayReadTheEnvironment.toSorted());
  });
});

describe("the test of the layout", () => {
  /** A project whose files each import what is given. */
  async function projectWith(extra: Record<string, string>) {
    const folder = await mkdtempDisposable(join(tmpdir(), "omx-web-layout-"));
    const files = { ...Object.fromEntries(Object.keys(layout).map((name) => [`${name}/fine.ts`, ""])), ...extra };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder.path, dirname(name)), { recursive: true });
      await writeFile(join(folder.path, name), text);
    }
    return folder;
  }

  test.each([
    ["an adapter in the core", "core/a.ts", 'import { x } from "../adapters/x.ts";', "may import no other folder"],
    [
      "a type of an adapter in the core",
      "core/a.ts",
      'import type { X } from "../adapters/x.ts";',
      "may import no other",
    ],
    ["a re-export", "core/a.ts", 'export { x } from "../runner/x.ts";', "may import no other folder"],
    ["an import for its effect", "core/a/b.ts", 'import "../../local/x.ts";', "may import no other folder"],
    ["an import at run time", "adapters/a.ts", 'const x = await import("../functions/x.ts");', "may import core."],
    [
      "an import over several lines",
      "core/a.ts",
      'import {\n  x,\n  y,\n} from "../openapi/x.ts";',
      "may import no other",
    ],
    ["a way upwards", "runner/a.ts", 'import { x } from "../functions/x.ts";', "may import core, adapters."],
    ["a test in the product", "local/a.ts", 'import { x } from "../test/x.ts";', "local/ may import core, openapi, "],
    ["the deployment in the product", "local/a.ts", 'import { x } from "../infra-cdk/x.ts";', "local/ may import core"],
    ["a builtin in the core", "core/a.ts", 'import { readFile } from "node:fs/promises";', "core/ may not. "],
    [
      "the SDK in a route",
      "functions/api/a.ts",
      'import { X } from "@aws-sdk/client-sqs";',
      "outside of functions/wiring.ts.",
    ],
    ["middy in a route", "functions/api/a.ts", 'import middy from "@middy/core";', "outside of functions/http.ts."],
    ["the SDK in the runner", "runner/a.ts", 'import { X } from "@aws-sdk/client-sqs";', "outside of runner/main.ts."],
    ["a process in an adapter", "adapters/a.ts", 'import { spawn } from "node:child_process";', "adapters/ may not"],
    ["a process in a function", "functions/a.ts", 'import { execa } from "execa";', "functions/ may not. "],
    ["a package by its path", "core/a.ts", 'import x from "../node_modules/fauxqs/x.js";', "core/ may not. "],
    ["a package that begins alike", "core/a.ts", 'import x from "zod-extra";', "core/ may not. "],
  ])("finds %s", async (_what, file, text, message) => {
    await using project = await projectWith({ [file]: text });

    const violations = await layoutViolations(project.path, layout);

    expect(violations).toEqual([expect.stringContaining(message)]);
    expect(violations[0]).toMatch(new RegExp(`^${file} imports .*: .*\\.$`));
  });

  test.each([
    ["core/a.ts", 'import * as z from "zod";\nimport { x } from "./lifecycle/x.ts";\n// from "../adapters/x.ts"'],
    ["functions/wiring.ts", 'import { SQSClient } from "@aws-sdk/client-sqs";\nimport { x } from "../core/x.ts";'],
    ["functions/http.ts", 'import { x } from "@middy/core/StreamifyResponse";'],
    ["runner/a/b.ts", 'import { spawn } from "node:child_process";\nimport { x } from "../../adapters/x.ts";'],
  ])("lets pass what is allowed: %s", async (file, text) => {
    await using project = await projectWith({ [file]: text });

    expect(await layoutViolations(project.path, layout)).toEqual([]);
  });

  test.each([
    "const x = process.env.HOME;",
    'const x = process["env"];',
    "const { env } = process;",
    "const { argv, env: e } = process;",
  ])("finds who reads the environment: %s", async (text) => {
    await using project = await projectWith({ "runner/a.ts": text, "core/b.ts": "/** Not `process.env`. */" });

    expect(await readersOfTheEnvironment(project.path)).toEqual(["runner/a.ts"]);
  });

  test("fails where a folder has no files, as after a renaming", async () => {
    const renamed = { ...layout, adaptors: { folders: [], packages: {} } };

    await expect(layoutViolations(root, renamed)).rejects.toThrow("adaptors/ has no TypeScript file");
  });

  test("sees the imports that there are", async () => {
    const [file] = (await sourceFiles(root, "functions")).filter(({ name }) => name === "wiring.ts");

    expect(importsOf(file?.text ?? "")).toContain("../adapters/dynamo-job-store.ts");
    expect(importsOf(file?.text ?? "")).toContain("@aws-sdk/client-ecs");
  });
});
