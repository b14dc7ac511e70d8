import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { metrics } from "../../adapters/metric-names.ts";
import { sourceFiles } from "../helpers/layout.ts";
import { SynthesizedTemplate } from "../helpers/synthesized-template.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(`${root}/${path}`, "utf8");
const template = new SynthesizedTemplate();
const Alarm = z.object({ AlarmDescription: z.string().max(1_024) });
const named = template.of("AWS::CloudWatch::Alarm").map(({ Properties }) => {
  const { AlarmDescription } = Alarm.parse(Properties);
  return / What to do: (docs\/runbooks\/[a-z-]+\.md)$/.exec(AlarmDescription)?.[1];
});
const runbooks = readdirSync(`${root}/docs/runbooks`).map((file) => `docs/runbooks/${file}`);
const Outputs = z.object({ Outputs: z.record(z.string(), z.unknown()) });

describe("an alarm", () => {
  test("says in its description where it is written what to do", () => {
    expect(named.length).toBeGreaterThan(8);
    expect(named.toSorted()).toEqual(runbooks.toSorted());
  });
});

describe.each(runbooks)("%s", (path) => {
  const text = read(path);

  test("says what it means, what users see, how to look, and what to do", () => {
    const said = [...text.matchAll(/^\*\*(.+?)\*\*/gm)].map(([, heading]) => heading);

    expect(said).toEqual(["What it means.", "What users see.", "How to look.", "What to do."]);
    expect(read("docs/operations.md")).toContain(path.replace("docs/", ""));
  });

  test("looks for lines that are written, in places that there are", async () => {
    const sources = (await Promise.all(["functions", "runner"].map((folder) => sourceFiles(root, folder)))).flat();
    const messages = [...text.matchAll(/\bmessage = "([^"]+)"/g)].map(([, message]) => message);
    const counted = [...text.matchAll(/\$\.([A-Z]\w+) [=>]/g)].map(([, metric]) => metric);
    const outputs = [...text.matchAll(/(?:\boutput|^lines|; lines) ([A-Z]\w+)/gm)].map(([, output]) => output);

    for (const message of messages) expect(sources.some((source) => source.text.includes(`"${message}"`))).toBe(true);
    for (const metric of counted) expect(Object.keys(metrics)).toContain(metric);
    for (const output of outputs) expect(Object.keys(Outputs.parse(template.template).Outputs)).toContain(output);
  });
});
