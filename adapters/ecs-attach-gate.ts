import {
  type ECSClient,
  ExecuteCommandCommand,
  InvalidParameterException,
  TargetNotConnectedException,
} from "@aws-sdk/client-ecs";
import { AttachUnavailable } from "../core/errors.ts";
import type { AttachGate } from "../core/ports.ts";
import { attachProgram, runnerContainer } from "./runner-container.ts";

/** By ECS Exec. The command that is executed is fixed: what it may do is the image's to say, and not the caller's. */
export function ecsAttachGate(client: ECSClient, cluster: string): AttachGate {
  return {
    async open(taskId, { write }) {
      const command = write ? `${attachProgram} --write` : attachProgram;
      const execute = { cluster, task: taskId, container: runnerContainer, interactive: true, command };
      const { session } = await client.send(new ExecuteCommandCommand(execute)).catch(asUnavailable);
      const { sessionId, streamUrl, tokenValue } = session ?? {};
      if (!sessionId || !streamUrl || !tokenValue)
        throw new Error("ECS opened a session and did not say how to get in.");
      const opened = { sessionId, streamUrl, tokenValue };
      return { ...opened, command: pluginCommand(opened, await client.config.region(), taskId) };
    },
  };
}

/**
 * As the AWS CLI starts its plugin, without a profile. The target, by which the plugin would ask for a key of KMS, has to be
 * there; sessions that are encrypted by KMS besides cannot be had without rights of one's own.
 */
function pluginCommand(session: object, region: string, taskId: string): string {
  const words = [JSON.stringify(session), region, "StartSession", "", JSON.stringify({ Target: taskId })];
  return ["session-manager-plugin", ...words.map(quoted)].join(" ");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The task has stopped, or its agent, which starts a little later than the runner, is not there (yet). */
function asUnavailable(error: unknown): never {
  const isUnavailable = error instanceof TargetNotConnectedException || error instanceof InvalidParameterException;
  throw isUnavailable ? new AttachUnavailable(error.message, { cause: error }) : error;
}
