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
import type { Construct } from "constructs";
import { isTerminal, JobStatus } from "../core/job.ts";
import { ownMetrics } from "./alarms.ts";
import type { Configuration } from "./configuration.ts";
import type { Observed } from "./observability.ts";

const wide = { width: 12, height: 6 };

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
    graph("Runners", [
      own("RunnersLaunched", Stats.SUM),
      own("LaunchesRefused", Stats.SUM),
      own("JobsRequeued", Stats.SUM),
    ]),
    graph("What reconcile had to mend", [
      own("SlotsReleasedByAudit", Stats.SUM),
      own("OrphansStopped", Stats.SUM),
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

function latencies(TableName: string): IMetric[] {
  return [Operation.GET_ITEM, Operation.UPDATE_ITEM, Operation.QUERY].map(
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
