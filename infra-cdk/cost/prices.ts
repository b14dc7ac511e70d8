/**
 * List prices in US dollars, us-east-1, without taxes and discounts, as of November 2026. After a change here, or of what
 * is deployed, `npm run cost` prints the figures anew.
 */
export const pricesAsOf = "us-east-1, November 2026";

export const prices = {
  fargateArm64: { processorHour: 0.03238, gibibyteHour: 0.00356 },
  fargateX86: { processorHour: 0.04048, gibibyteHour: 0.004445 },
  /** Beyond the 20 GiB that come with each task. */
  fargateDiskGibibyteHour: 0.000111,
  publicAddressHour: 0.005,
  natGatewayHour: 0.045,
  /** By the type, with Linux. This one and the disk's were not found in a primary source: look before you count on them. */
  instanceHour: { "t4g.nano": 0.0042 },
  diskGigabyteMonth: 0.08,
  interfaceEndpointHour: 0.01,
  internetOutGigabyte: 0.09,
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  tableGigabyteMonth: 0.25,
  tableRecoveryGigabyteMonth: 0.2,
  apiRequest: 3.5e-6,
  lambdaRequest: 0.2e-6,
  lambdaArmGigabyteSecond: 0.0000133334,
  trace: 5e-6,
  queueRequest: 0.4e-6,
  logGigabyte: 0.5,
  metricMonth: 0.3,
  alarmMetricMonth: 0.1,
  dashboardMonth: 3,
  imageGigabyteMonth: 0.1,
  keyMonth: 1,
  secretMonth: 0.4,
} as const;

/** What every account has for nothing in each month, not only in its first year. */
export const freeEachMonth = {
  alarmMetrics: 10,
  metrics: 10,
  dashboards: 3,
  lambdaRequests: 1e6,
  lambdaGigabyteSeconds: 400_000,
  logGigabytes: 5,
} as const;

export const hoursOfMonth = 730;
