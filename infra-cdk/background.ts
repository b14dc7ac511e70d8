import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { reconcileSeconds } from "../core/limits.ts";
import { type Functions, serviceFunction } from "./service-function.ts";

/** It stops taking up jobs by itself; what is left then takes less than this. */
const timeoutSeconds = reconcileSeconds + 60;

/**
 * What happens without a request: reconcile, each minute and whenever a runner has ended. No concurrency is reserved for
 * it, since two runs at once disturb nothing, whereas the end of a runner, which makes room, would have to wait for a
 * full run to end.
 */
export class Background extends Construct {
  readonly reconcile: IFunction;

  constructor(scope: Construct, id: string, functions: Functions) {
    super(scope, id);
    const reconcile = serviceFunction(this, "reconcile", functions, {
      code: { file: "functions/background/reconcile.ts" },
      description: "Make every job go on that is not settled",
      timeout: Duration.seconds(timeoutSeconds),
    });
    // The next minute's run makes up for one that failed; trying again besides would only add to what is wrong.
    reconcile.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    const target = new LambdaFunction(reconcile, { retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new Rule(this, "EachMinute", { schedule: Schedule.rate(Duration.minutes(1)), targets: [target] });
    new Rule(this, "RunnerStopped", {
      description: "A runner's container has ended",
      eventPattern: {
        source: ["aws.ecs"],
        detailType: ["ECS Task State Change"],
        detail: {
          clusterArn: [functions.runners.cluster.clusterArn],
          desiredStatus: ["STOPPED"],
          // The first follows the container's end at once; a task that never had one may skip it.
          lastStatus: ["DEPROVISIONING", "STOPPED"],
        },
      },
      targets: [target],
    });
    this.reconcile = reconcile;
  }
}
