import { type App, CfnOutput, Stack } from "aws-cdk-lib";
import { acknowledgeFindings } from "./acknowledgements.ts";
import { Api } from "./api.ts";
import { Background } from "./background.ts";
import type { Configuration } from "./configuration.ts";
import { HintQueue } from "./hint-queue.ts";
import { Observability } from "./observability.ts";
import { RunnerCluster } from "./runner-cluster.ts";
import { serviceLogs } from "./service-logs.ts";
import { Storage } from "./storage.ts";

/** The whole service. */
export class OmxWebStack extends Stack {
  constructor(app: App, configuration: Configuration) {
    const { stackName, region } = configuration;
    super(app, stackName, {
      description: "omx-web: teams of coding agents on a git repository, started by one HTTP request",
      ...(region !== undefined && { env: { region } }),
    });
    const storage = new Storage(this, "Storage", configuration);
    const hints = new HintQueue(this, "Hints");
    const runners = new RunnerCluster(this, "Runners", configuration, { storage, hints });
    const logs = serviceLogs(this, "FunctionLogs", configuration);
    const functions = { configuration, logs, storage, hints, runners };
    const api = new Api(this, "Api", functions);
    const background = new Background(this, "Background", functions);
    const { alarms } = new Observability(this, "Observability", { ...functions, api, background });
    acknowledgeFindings(this, runners);
    new CfnOutput(this, "ApiUrl", { value: api.rest.url, description: "Where the API answers" });
    new CfnOutput(this, "TableName", { value: storage.table.tableName });
    new CfnOutput(this, "QueueUrl", { value: hints.queue.queueUrl });
    new CfnOutput(this, "ClusterName", { value: runners.cluster.clusterName });
    new CfnOutput(this, "TaskFamily", { value: runners.family });
    new CfnOutput(this, "FunctionLogGroup", { value: logs.logGroupName });
    new CfnOutput(this, "RunnerLogGroup", { value: runners.logs.logGroupName });
    new CfnOutput(this, "AlarmTopic", { value: alarms.topicArn, description: "Where alarms are told" });
  }
}
