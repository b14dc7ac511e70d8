import { readdir, readFile } from "node:fs/promises";

/** A child process of this one that has the text in its command line. */
export async function childrenNaming(text: string): Promise<number[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id) => {
      const stat = await readFile(`/proc/${id}/stat`, "latin1").catch(() => "");
      const parentId = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      if (parentId !== process.pid) return [];
      const commandLine = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
      return commandLine.includes(text) ? [Number(id)] : [];
    }),
  );
  return found.flat();
}

/** The arguments that a process was started with. */
export async function commandLine(processId: number): Promise<string[]> {
  return (await readFile(`/proc/${processId}/cmdline`, "utf8")).split("\0").slice(0, -1);
}

/** CPU time that a process has used, in the kernel's ticks of 10 ms. */
export async function cpuTicks(processId: number): Promise<number> {
  const stat = await readFile(`/proc/${processId}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** A figure of `/proc/<id>/status` in bytes: `VmRSS` is resident now, `VmHWM` was at most. Undefined once it is gone. */
export async function memoryBytes(processId: number, field: "VmRSS" | "VmHWM"): Promise<number | undefined> {
  const status = await readFile(`/proc/${processId}/status`, "latin1").catch(() => "");
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
}
