import { Stack } from "aws-cdk-lib";
import { Alarm } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import { alarmOptions, alarmRules } from "./alarms.ts";
import type { Api } from "./api.ts";
import type { Background } from "./background.ts";
import type { Configuration } from "./configuration.ts";
import { addDashboard } from "./dashboard.ts";
import type { HintQueue } from "./hint-queue.ts";
import type { Storage } from "./storage.ts";

/** What is looked at. */
export interface Observed {
  readonly configuration: Configuration;
  readonly storage: Storage;
  readonly hints: HintQueue;
  readonly api: Api;
  readonly background: Background;
}

/** The alarms, who is told of them, and the dashboard. */
export class Observability extends Construct {
  readonly alarms: Topic;

  constructor(scope: Construct, id: string, observed: Observed) {
    super(scope, id);
    // Without a key: CloudWatch cannot use the one that SNS brings, and one of our own costs $1 a month.
    this.alarms = new Topic(this, "Alarms", { enforceSSL: true });
    // The policy that asks for TLS takes the place of the topic's own, which would let the account's alarms in.
    const account = { StringEquals: { "aws:SourceAccount": Stack.of(this).account } };
    this.alarms.grantPublish(new ServicePrincipal("cloudwatch.amazonaws.com", { conditions: account }));
    const { alarmEmail } = observed.configuration;
    if (alarmEmail !== undefined) this.alarms.addSubscription(new EmailSubscription(alarmEmail));
    const alarms = Object.entries(alarmRules(observed)).map(([name, rule]) => {
      const alarm = new Alarm(this, name, alarmOptions(name, rule));
      alarm.addAlarmAction(new SnsAction(this.alarms));
      return alarm;
    });
    addDashboard(this, observed, alarms);
  }
}
