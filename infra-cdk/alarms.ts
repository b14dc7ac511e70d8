import { Duration } from "aws-cdk-lib";
import { ComparisonOperator, type IMetric, Metric, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { Operation } from "aws-cdk-lib/aws-dynamodb";
import type { MetricName } from "../adapters/metric-names.ts";
import type { Configuration } from "./configuration.ts";
import type { Observed } from "./observability.ts";

/** When somebody has to look. */
export interface AlarmRule {
  /** For whoever reads it at night: what is wrong, in one sentence. */
  readonly description: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Of so many periods, so many are over the threshold: 1 of 1, unless it is said. */
  readonly periods?: number;
  readonly over?: number;
  /** The alarm is about too little, and nothing at all is too little. */
  readonly isMinimum?: true;
}

const minute = Duration.minutes(1);
const oldestWaitingSeconds = 1_800;

/** Makes metrics that functions and runners of this deployment write. */
export function ownMetrics({ stackName: namespace }: Configuration) {
  return (metricName: MetricName, statistic: string, period = Duration.minutes(5)): Metric =>
    new Metric({ namespace, metricName, statistic, period });
}

/** Where it is said what to do about an alarm. */
function runbookOf(alarm: string): string {
  return `docs/runbooks/${alarm.replace(/(?<!^)[A-Z]/g, "-$&").toLowerCase()}.md`;
}

/** What people are told of. */
export function alarmRules(observed: Observed): Record<string, AlarmRule> {
  return { ...jobRules(observed), ...tableRules(observed), ...apiRules(observed) };
}

function jobRules({ configuration, hints, background }: Observed): Record<string, AlarmRule> {
  const own = ownMetrics(configuration);
  return {
    ReconcileStopped: {
      description: "No run of reconcile has come to its end for 5 minutes: jobs that are lost or wait do not go on.",
      metric: own("JobsWaiting", Stats.SAMPLE_COUNT, minute),
      ...{ threshold: 1, isMinimum: true, periods: 5 },
    },
    ReconcileErrors: {
      description: "Runs of reconcile fail: the log of the functions names the jobs.",
      metric: background.reconcile.metricErrors({ statistic: Stats.SUM, period: minute }),
      ...{ threshold: 1, periods: 5, over: 3 },
    },
    LaunchesRefused: {
      description: "ECS refuses to start runners: the log of the functions says why.",
      metric: own("LaunchesRefused", Stats.SUM),
      threshold: 1,
    },
    RunnersLost: {
      description: "Runners are launched and end before they have a job: the log of the functions says why.",
      metric: own("RunnersLostBeforeStart", Stats.SUM, Duration.minutes(15)),
      threshold: 2,
    },
    JobsRequeued: {
      description: "Several jobs have lost their runners.",
      metric: own("JobsRequeued", Stats.SUM, Duration.minutes(15)),
      threshold: 3,
    },
    JobsWaitLong: {
      description: `A job that has a slot has been waiting for a runner for ${oldestWaitingSeconds / 60} minutes.`,
      metric: own("QueueAgeSeconds", Stats.MAXIMUM),
      threshold: oldestWaitingSeconds,
    },
    LeftOversCleared: {
      description: "Slots were held by jobs that are over, or runners worked on nothing: reconcile has cleared them.",
      metric: own("LeftOversCleared", Stats.SUM, Duration.minutes(15)),
      threshold: 1,
    },
    HintsPutAside: {
      description:
        "Hints were put aside after many tries: their jobs were written by a later version than the runners'.",
      metric: hints.deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
      threshold: 1,
    },
  };
}

function tableRules({ storage: { table }, configuration }: Observed): Record<string, AlarmRule> {
  const throttled = (metricName: string) => ({
    metric: new Metric({
      namespace: "AWS/DynamoDB",
      metricName,
      dimensionsMap: { TableName: table.tableName },
      statistic: Stats.SUM,
    }),
    ...{ threshold: 10, periods: 3, over: 2 },
  });
  const rules = {
    TableWritesThrottled: {
      description: "DynamoDB refuses writes for want of capacity.",
      ...throttled("WriteThrottleEvents"),
    },
    TableReadsThrottled: {
      description: "DynamoDB refuses reads for want of capacity.",
      ...throttled("ReadThrottleEvents"),
    },
  };
  // MiniStack rolls a stack back that has an alarm on an expression over several metrics.
  if (configuration.emulator) return rules;
  const { GET_ITEM, BATCH_GET_ITEM, PUT_ITEM, UPDATE_ITEM, QUERY } = Operation;
  const operations = [GET_ITEM, BATCH_GET_ITEM, PUT_ITEM, UPDATE_ITEM, QUERY];
  const metric = table.metricSystemErrorsForOperations({ operations, statistic: Stats.SUM });
  const TableErrors = { description: "DynamoDB fails.", metric, ...{ threshold: 1, periods: 3, over: 2 } };
  return { ...rules, TableErrors };
}

function apiRules({ api }: Observed): Record<string, AlarmRule> {
  return {
    ApiErrors: {
      description: "One in a hundred requests or more is answered with a status of 500 or above.",
      // Each request counts 0 or 1, so that the average is their share.
      metric: api.rest.metricServerError({ statistic: Stats.AVERAGE }),
      ...{ threshold: 0.01, periods: 3, over: 2 },
    },
  };
}

/** How an alarm is made of its rule. */
export function alarmOptions(alarm: string, rule: AlarmRule) {
  const { description, metric, threshold, periods = 1, over = periods, isMinimum } = rule;
  return {
    alarmDescription: `${description} What to do: ${runbookOf(alarm)}`,
    metric,
    threshold,
    evaluationPeriods: periods,
    datapointsToAlarm: over,
    comparisonOperator: isMinimum
      ? ComparisonOperator.LESS_THAN_THRESHOLD
      : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: isMinimum ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
  };
}
