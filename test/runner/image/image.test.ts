import { access, cp, mkdtempDisposable, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";
import { RunnerEnvironment } from "../../../adapters/environment.ts";
import { attachProgram } from "../../../adapters/runner-container.ts";
import { bundleRunner } from "../../../local/runner-bundle.ts";
import { dockerfile } from "./dockerfile.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const ignored = await readFile(join(root, ".dockerignore"), "utf8");
const sent = [...ignored.matchAll(/^!(\S+)$/gm)].map(([, path = ""]) => path);

test("The build's context is what the image is made of, and makes the same bundle as the embedded stack.", async () => {
  await using context = await mkdtempDisposable(join(tmpdir(), "omx-context-"));
  for (const path of sent) await cp(join(root, path), join(context.path, path), { recursive: true });
  await symlink(join(root, "node_modules"), join(context.path, "node_modules"));
  const [, script = ""] = /^RUN node (\S+) \/opt\/omx$/m.exec(dockerfile.text) ?? [];

  await execa(process.execPath, [script, join(context.path, "image")], { cwd: context.path });
  await bundleRunner(join(context.path, "local-stack"));

  const files = async (folder: string) => (await readdir(join(context.path, folder), { recursive: true })).toSorted();
  expect(await files("image")).toEqual(["pane", "pane/pane-wrapper.pl", "runner", "runner/main.mjs"]);
  expect(await files("local-stack")).toEqual(await files("image"));
  // The dependencies are not in the context, where a build installs them anew.
  const dependencies = `${relative(context.path, root)}/node_modules/`;
  for (const file of ["pane/pane-wrapper.pl", "runner/main.mjs"]) {
    const image = await readFile(join(context.path, "image", file), "utf8");
    const local = await readFile(join(context.path, "local-stack", file), "utf8");
    expect(image.replaceAll(dependencies, "node_modules/") === local, file).toBe(true);
  }
  expect(await readdir(context.path)).not.toContain("test");
});

test("Whatever the Dockerfile copies or runs is there, and can be run.", async () => {
  const copied = [...dockerfile.lastStage.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, list = ""]) =>
    list.split(" "),
  );
  const run = [...dockerfile.text.matchAll(/\/mnt\/image\/(\S+)$/gm)].map(([, name]) => `runner/image/${name}`);

  expect(copied).toEqual(["runner/image/attach", "runner/image/attach.conf"]);
  expect(run).toEqual(["install-packages", "install-agents", "lay-out"].map((name) => `runner/image/${name}.sh`));
  for (const path of [...run, "runner/image/attach"])
    expect((await stat(join(root, path))).mode & 0o111, path).toBe(0o111);
  for (const path of [...run, "runner/image/attach"]) await execa("sh", ["-n", join(root, path)]);
  expect(attachProgram).toBe("/opt/omx/attach");
});

test("All versions are exact, and no host is named.", async () => {
  const { buildArguments, text } = dockerfile;
  const scripts = await Promise.all(
    ["install-packages.sh", "install-agents.sh", "lay-out.sh"].map((name) =>
      readFile(join(root, "runner/image", name), "utf8"),
    ),
  );
  const manifest: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));

  expect(buildArguments.get("BASE_IMAGE")).toMatch(/^node:\d+\.\d+\.\d+-[a-z]+-slim$/);
  expect(manifest).toMatchObject({
    devDependencies: { node: /^node:([\d.]+)-/.exec(buildArguments.get("BASE_IMAGE") ?? "")?.[1] },
  });
  for (const cli of ["CODEX", "CLAUDE", "GEMINI"])
    expect(buildArguments.get(`${cli}_VERSION`)).toMatch(/^\d+\.\d+\.\d+$/);
  expect(text.match(/^FROM .*$/gm)).toEqual([
    expect.stringMatching(/^FROM --platform=\$BUILDPLATFORM \$\{BASE_IMAGE\} AS bundle$/),
    expect.stringMatching(/^FROM \$\{BASE_IMAGE\}$/),
  ]);
  expect([text, ...scripts].join("\n")).not.toMatch(/https?:|\w\.(?:com|io|org|dev|aws)\b/);
});

test("A CLI is installed in the version that is named, and left out without one.", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "omx-npm-"));
  await writeFile(join(folder.path, "npm"), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
  const { stdout } = await execa("/bin/sh", [join(root, "runner/image/install-agents.sh")], {
    ...{ extendEnv: false, env: { PATH: `${folder.path}:/usr/bin:/bin`, CODEX_VERSION: "1.2.3", CLAUDE_VERSION: "" } },
  });

  expect(stdout).toMatch(/^install --global .* @openai\/codex@1\.2\.3$/);
});

test("The settings that the image gives the runner are ones that it knows.", async () => {
  expect(Object.keys(dockerfile.environment).filter((name) => !(name in RunnerEnvironment.shape))).toEqual([]);
  expect(dockerfile.entryPoint.at(-1)).toBe("/opt/omx/runner/main.mjs");
  expect(dockerfile.text).not.toMatch(/^USER /m);
  await access(join(root, "runner/pane/pane-wrapper.pl"));
});
