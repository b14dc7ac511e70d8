import * as z from "zod";
import type { Role } from "./roles.ts";

/** One step of a mode: the roles that work at the same time. */
export interface Stage {
  readonly name: string;
  readonly roles: readonly Role[];
}

/** A mode is data: the stages in the order in which they run. */
export interface StageGraph {
  readonly stages: readonly Stage[];
}

const team: StageGraph = {
  stages: [
    { name: "planner", roles: ["planner"] },
    { name: "executor", roles: ["executor"] },
    { name: "verifier", roles: ["verifier"] },
  ],
};

const parallel: StageGraph = { stages: [{ name: "parallel", roles: ["planner", "executor", "verifier"] }] };

const graphs = { team, swarm: team, ultrapilot: team, parallel } as const satisfies Record<string, StageGraph>;

/** `swarm` and `ultrapilot` are other names of `team`. */
export const Mode = z.enum(Object.keys(graphs) as [keyof typeof graphs, ...(keyof typeof graphs)[]]);
export type Mode = z.infer<typeof Mode>;

export function stageGraph(mode: Mode): StageGraph {
  return graphs[mode];
}

export function rolesOf(graph: StageGraph): Role[] {
  return [...new Set(graph.stages.flatMap((stage) => stage.roles))];
}

/** How one role's command ended. `exitCode` is null when a signal ended it or nobody knows. */
export interface StageResult {
  readonly stage: string;
  readonly role: Role;
  readonly exitCode: number | null;
  /** Why it did not end by itself, or null. */
  readonly fault: string | null;
}

/** An exit code of 0 alone does not say so: a command that is interrupted may well exit with it. */
export function hasSucceeded({ exitCode, fault }: Pick<StageResult, "exitCode" | "fault">): boolean {
  return exitCode === 0 && fault === null;
}

/** The stage to run next, or undefined when the walk is over: all stages done, or one of them failed. */
export function nextStage(graph: StageGraph, history: readonly StageResult[]): Stage | undefined {
  if (!history.every(hasSucceeded)) return undefined;
  const done = new Set(history.map((result) => result.stage));
  return graph.stages.find((stage) => !done.has(stage.name));
}
