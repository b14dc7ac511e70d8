import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Task } from "./task.ts";

const TASK_ID = /^[0-9a-f]{32}$/;
const FILE_NAME = "task.json";

/**
 * One folder per task, in which the task runs, with a file of all that is known of it: for the next start. Synchronous,
 * so that two writes of a task never overtake each other, and no answer the file that it promises.
 */
export class TaskFiles {
  readonly #directory: string;
  readonly #tell: (taskId: string, line: string) => void;

  /** `tell` gets what went wrong with a task's folder where that stops nothing else. */
  constructor(directory: string, tell: (taskId: string, line: string) => void) {
    this.#directory = directory;
    this.#tell = tell;
  }

  folderOf(taskId: string): string {
    return path.join(this.#directory, taskId);
  }

  save(task: Task): void {
    const folder = this.folderOf(task.taskId);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = path.join(folder, FILE_NAME);
    writeFileSync(`${file}.new`, JSON.stringify(task), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** What cannot be removed now may be at the next start. */
  remove(taskId: string): void {
    try {
      rmSync(this.folderOf(taskId), { recursive: true, force: true });
    } catch (error) {
      this.#tell(taskId, `its folder cannot be removed: ${error}`);
    }
  }

  /** All tasks, in the order of their start. */
  read(): Task[] {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const taskIds = readdirSync(this.#directory).filter((name) => TASK_ID.test(name));
    const tasks = taskIds.map((taskId) => this.#readTask(taskId)).filter((task) => task !== undefined);
    return tasks.toSorted((one, other) => one.createdAt.getTime() - other.createdAt.getTime());
  }

  #readTask(taskId: string): Task | undefined {
    try {
      const task = Task.parse(JSON.parse(readFileSync(path.join(this.folderOf(taskId), FILE_NAME), "utf8")));
      if (task.taskId !== taskId) throw new Error(`it is the file of ${task.taskId}`);
      return task;
    } catch (error) {
      // The file comes before the process: without one, nothing was started (or by a version that wrote no files).
      if (error instanceof Error && "code" in error && error.code === "ENOENT") this.remove(taskId);
      else this.#setAside(taskId, error);
      return undefined;
    }
  }

  /** Under a name that no task has: kept for whoever wants to look, and told once. */
  #setAside(taskId: string, reason: unknown): void {
    const aside = `${this.folderOf(taskId)}.unreadable`;
    const why = String(reason).replaceAll(/\s+/g, " ");
    try {
      renameSync(this.folderOf(taskId), aside);
      this.#tell(taskId, `its ${FILE_NAME} cannot be read, and the task is forgotten; see ${aside} (${why})`);
    } catch (error) {
      this.#tell(taskId, `its ${FILE_NAME} cannot be read (${why}) nor moved (${error}), and the task is forgotten`);
    }
  }
}
