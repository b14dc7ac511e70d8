import * as z from "zod";

/**
 * A line in CloudWatch's embedded metric format, as its specification says: 100 metrics and 30 dimensions at most, each of
 * them a member of the line.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const name = z.string().min(1).max(1_024);
const Definition = z.strictObject({
  Name: name,
  Unit: z.enum(["Seconds", "Milliseconds", "Bytes", "Count", "None"]),
  StorageResolution: z.literal([1, 60]).optional(),
});
const Directive = z.strictObject({
  Namespace: name,
  Dimensions: z.array(z.array(z.string().min(1).max(250)).max(30)).min(1),
  Metrics: z.array(Definition).min(1).max(100),
});
const EmbeddedMetrics = z
  .looseObject({
    _aws: z.strictObject({ Timestamp: z.int().min(1e12), CloudWatchMetrics: z.array(Directive).min(1) }),
  })
  .check(({ value, issues }) => {
    const directives = value._aws.CloudWatchMetrics;
    const isText = (member: string) => typeof value[member] === "string";
    const isNumber = (member: string) => typeof value[member] === "number";
    const missing = [
      ...directives.flatMap(({ Dimensions }) => Dimensions.flat()).filter((member) => !isText(member)),
      ...directives.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name)).filter((member) => !isNumber(member)),
    ];
    for (const member of missing) issues.push({ code: "custom", message: `lacks ${member}`, input: value });
  });

/** One value of a metric, with the namespace and the dimensions under which CloudWatch stores it. */
export interface StoredValue {
  readonly namespace: string;
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** What CloudWatch takes out of the log's lines. Throws for a line that is meant for it and that it would not take. */
export function metricsOf(lines: readonly string[]): StoredValue[] {
  return lines
    .filter((line) => line.includes('"_aws"'))
    .map((line) => EmbeddedMetrics.parse(JSON.parse(line)))
    .flatMap(({ _aws, ...members }) =>
      _aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
        Metrics.flatMap(({ Name, Unit }) =>
          Dimensions.map((names) => ({
            ...{ namespace: Namespace, metric: Name, unit: Unit, value: Number(members[Name]) },
            dimensions: Object.fromEntries(names.map((dimension) => [dimension, String(members[dimension])])),
          })),
        ),
      ),
    );
}
