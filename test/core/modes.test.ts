import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Mode,
  nextStage,
  rolesOf,
  type Stage,
  type StageGraph,
  type StageResult,
  stageGraph,
} from "../../core/modes.ts";
import { Role } from "../../core/roles.ts";

/** Walks the graph as a runner does: all roles of a stage, then the next stage. `exitCodes` are given out in turn. */
function walk(graph: StageGraph, exitCodes: readonly (number | null)[]): { stages: Stage[]; history: StageResult[] } {
  const history: StageResult[] = [];
  const stages: Stage[] = [];
  for (let stage = nextStage(graph, history); stage; stage = nextStage(graph, history)) {
    const { name, roles } = stage;
    stages.push(stage);
    if (stages.length > 100) throw new Error("The walk does not end.");
    for (const role of roles) {
      const [exitCode = 0] = exitCodes.slice(history.length);
      history.push({ stage: name, role, exitCode, fault: null });
    }
  }
  return { stages, history };
}

const names = (stages: readonly Stage[]) => stages.map((stage) => stage.name);

describe("the modes", () => {
  test("team runs planner, executor and verifier one after the other", () => {
    expect(walk(stageGraph("team"), []).stages).toEqual([
      { name: "planner", roles: ["planner"] },
      { name: "executor", roles: ["executor"] },
      { name: "verifier", roles: ["verifier"] },
    ]);
  });

  test.each(["swarm", "ultrapilot"] as const)("%s is another name of team", (mode) => {
    expect(stageGraph(mode)).toBe(stageGraph("team"));
  });

  test("parallel runs all three roles at once", () => {
    expect(walk(stageGraph("parallel"), []).stages).toEqual([
      { name: "parallel", roles: ["planner", "executor", "verifier"] },
    ]);
  });

  test.each(Mode.options)("%s has a pane for each role, once", (mode) => {
    const roles = rolesOf(stageGraph(mode));

    expect(roles.toSorted()).toEqual(Role.options.toSorted());
  });

  test("A mode that nobody knows is refused with the list of those that there are", () => {
    expect(Mode.safeParse("constructor").error?.issues[0]?.message).toBe(
      'Invalid option: expected one of "team"|"swarm"|"ultrapilot"|"parallel"',
    );
  });
});

describe("the walk", () => {
  test("ends after a stage that failed, by exit code or by a signal", () => {
    expect(names(walk(stageGraph("team"), [0, 2]).stages)).toEqual(["planner", "executor"]);
    expect(names(walk(stageGraph("team"), [null]).stages)).toEqual(["planner"]);
  });

  test("ends after a stage that did not end by itself, whatever its exit code", () => {
    const interrupted: StageResult = { stage: "planner", role: "planner", exitCode: 0, fault: "silent" };

    expect(nextStage(stageGraph("team"), [interrupted])).toBeUndefined();
  });

  const graphs = fc
    .uniqueArray(fc.string({ minLength: 1 }), { maxLength: 8 })
    .chain((stageNames) =>
      fc.tuple(
        ...stageNames.map((name) =>
          fc.record({
            name: fc.constant(name),
            roles: fc.uniqueArray(fc.constantFrom(...Role.options), { minLength: 1 }),
          }),
        ),
      ),
    )
    .map((stages): StageGraph => ({ stages }));
  const exitCodes = fc.array(fc.oneof({ arbitrary: fc.constant(0), weight: 8 }, fc.integer(), fc.constant(null)), {
    maxLength: 24,
  });

  test("runs the stages of any graph in their order, each once, up to the first that fails", async () => {
    await fc.assert(
      fc.property(graphs, exitCodes, (graph, codes) => {
        const { stages, history } = walk(graph, codes);

        expect(stages).toEqual(graph.stages.slice(0, stages.length));
        const failed = new Set(history.filter(({ exitCode }) => exitCode !== 0).map(({ stage }) => stage));
        if (failed.size === 0) expect(stages).toHaveLength(graph.stages.length);
        else expect([...failed]).toEqual([stages.at(-1)?.name]);
      }),
    );
  });
});
