import { type LogContext, logLine } from "./log.ts";
import { type MetricName, metrics } from "./metric-names.ts";

/**
 * Writes values of metrics into the log, in one line. `about` holds the values of their dimensions, and whatever else
 * shall be found in the line.
 */
export type RecordMetrics = (values: Partial<Readonly<Record<MetricName, number>>>, about?: LogContext) => void;

/**
 * CloudWatch's embedded metric format: it takes the metrics out of the log by itself, from functions and tasks alike.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * Without a namespace nobody wants them, and nothing is written.
 */
export function embeddedMetrics(Namespace: string | undefined): RecordMetrics {
  if (Namespace === undefined) return () => {};
  return (values, about) => {
    const CloudWatchMetrics = (Object.keys(values) as MetricName[]).map((Name) => {
      const { unit: Unit, dimensions } = metrics[Name];
      return { Namespace, Dimensions: [dimensions], Metrics: [{ Name, Unit }] };
    });
    logLine({
      level: "INFO",
      message: "metrics",
      _aws: { Timestamp: Date.now(), CloudWatchMetrics },
      ...about,
      ...values,
    });
  };
}
