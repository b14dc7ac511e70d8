import { Duration, Stack } from "aws-cdk-lib";
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  Stats,
} from "aws-cdk-lib/aws-cloudwatch";
import { Operation } from "aws-cdk-lib/aws-dynamodb";
import { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { isTerminal, JobStatus } from "../core/job.ts";
import type { RouteName } from "../openapi/routes.ts";
import { ownMetrics } from "./alarms.ts";
import type { Api } from "./api.ts";
import type { Configuration } from "./configuration.ts";
import type { Observed } from "./observability.ts";

const wide = { width: 12, height: 6 };
const minute = Duration.minutes(1);

/** What the service does, on one page: its jobs, its runners, its API, its table. */
export function addDashboard(scope: Construct, observed: Observed, alarms: readonly Alarm[]): Dashboard {
  const dashboard = new Dashboard(scope, "Dashboard", {
    dashboardName: Stack.of(scope).stackName,
    defaultInterval: Duration.hours(12),
  });
  dashboard.addWidgets(new AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: 24, height: 3 }));
  const graphs = [...jobGraphs(observed.configuration), ...serviceGraphs(observed)];
  for (let row = 0; row < graphs.length; row += 2) dashboard.addWidgets(...graphs.slice(row, row + 2));
  return dashboard;
}

function jobGraphs(configuration: Configuration): GraphWidget[] {
  const own = ownMetrics(configuration);
  const ended = JobStatus.options
    .filter(isTerminal)
    .map((status) => own("JobsEnded", Stats.SUM).with({ dimensionsMap: { status }, label: status }));
  return [
    graph("Jobs accepted", [own("JobsAccepted", Stats.SUM)]),
    graph("Jobs ended", ended),
    graph("Jobs that wait", [own("JobsWaiting", Stats.MAXIMUM)], [own("QueueAgeSeconds", Stats.MAXIMUM)]),
    graph(
      "Seconds until a job has its runner",
      [],
      [own("StartSeconds", Stats.p(50)), own("StartSeconds", Stats.p(95))],
    ),
    graph("Launches a minute, of which Fargate takes 20 a second", [
      own("RunnersLaunched", Stats.SUM, minute),
      own("LaunchesRefused", Stats.SUM, minute),
    ]),
    graph("What had to be mended", [
      own("JobsRequeued", Stats.SUM),
      own("RunnersLostBeforeStart", Stats.SUM),
      own("LeftOversCleared", Stats.SUM),
      own("ReconcileFailures", Stats.SUM),
    ]),
  ];
}

function serviceGraphs({ storage, hints, api, background }: Observed): GraphWidget[] {
  const { table } = storage;
  const { reconcile } = background;
  return [
    graph("Reconcile", [reconcile.metricInvocations(), reconcile.metricErrors()], [reconcile.metricDuration()]),
    graph(
      "Requests",
      [api.rest.metricCount(), api.rest.metricClientError(), api.rest.metricServerError()].map(summed),
      [api.rest.metricLatency({ statistic: Stats.p(50) }), api.rest.metricLatency({ statistic: Stats.p(99) })],
    ),
    graph("Readers of events at once", [streamsAtOnce(api)]),
    graph(
      "Hints",
      [
        hints.queue.metricApproximateNumberOfMessagesVisible(),
        hints.deadLetters.metricApproximateNumberOfMessagesVisible(),
      ],
      [hints.queue.metricApproximateAgeOfOldestMessage()],
    ),
    graph("Capacity of the table", [
      table.metricConsumedReadCapacityUnits({ statistic: Stats.SUM }),
      table.metricConsumedWriteCapacityUnits({ statistic: Stats.SUM }),
    ]),
    graph("Answers of the table", [], latencies(table.tableName)),
  ];
}

/** Each reader of a stream keeps an instance of its function for as long as it reads. */
function streamsAtOnce(api: Api): Metric {
  const stream = api.node.findChild("listJobEvents" satisfies RouteName);
  if (!(stream instanceof LambdaFunction)) throw new Error("listJobEvents is no function.");
  return stream.metric("ConcurrentExecutions", { statistic: Stats.MAXIMUM });
}

function latencies(TableName: string): IMetric[] {
  return [Operation.GET_ITEM, Operation.BATCH_GET_ITEM, Operation.UPDATE_ITEM, Operation.QUERY].map(
    (operation) =>
      new Metric({
        namespace: "AWS/DynamoDB",
        metricName: "SuccessfulRequestLatency",
        dimensionsMap: { TableName, Operation: operation },
        statistic: Stats.p(99),
        label: operation,
      }),
  );
}

function summed(metric: Metric): Metric {
  return metric.with({ statistic: Stats.SUM });
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ ...wide, title, left, right });
}
