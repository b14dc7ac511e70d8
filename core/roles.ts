import * as z from "zod";

/** Who works on a job. Each role has one tmux pane. */
export const Role = z.enum(["planner", "executor", "verifier"]);
export type Role = z.infer<typeof Role>;

/** Whose built-in commands a role gets. `custom` has none: its commands come from the request or the deployment. */
export const Provider = z.enum(["codex", "claude", "gemini", "omx", "omc", "custom"]);
export type Provider = z.infer<typeof Provider>;
