import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** As root, one has to become somebody else first. */
const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : ["env"];
const refusal = "The image cannot be checked: only root can make a container.";

/** With no image to check, unless one is given. */
async function byNobody(command: readonly string[], IMAGE_BASE?: string) {
  const [program = "", ...args] = [...asNobody, ...command];
  const { exitCode, stdout, stderr } = await execa(program, args, { env: { IMAGE_BASE }, reject: false });
  return { exitCode, stdout, stderr };
}

const why = `console.log(await import(${JSON.stringify(here("container.ts"))}).then((it) => it.whyNoContainer()))`;
const look = [process.execPath, "--input-type=module", "--eval", why];

test("Whoever cannot make a container is told so by the image's check, before anything is built", async () => {
  expect(await byNobody([here("../../../runner/image/check.sh")])).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: refusal,
  });
});

test("What is skipped elsewhere fails where the image is checked", async () => {
  expect(await byNobody(look)).toMatchObject({ exitCode: 0, stdout: "only root can make a container" });
  expect(await byNobody(look, "/")).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(refusal),
  });
});
