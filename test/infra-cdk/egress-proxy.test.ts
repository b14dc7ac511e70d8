import { describe, expect, test } from "vitest";
import * as z from "zod";
import { SynthesizedTemplate } from "../helpers/synthesized-template.ts";
import { userDataOf } from "./egress-proxy/user-data.ts";

const account = "123456789012";
const template = new SynthesizedTemplate({ network: "proxy", region: "eu-west-1", egressAllowList: ".models.example" });
const machine = template.only("AWS::EC2::Instance").Properties;
const text = (value: unknown) => JSON.stringify(value);

function allowed(given: Record<string, unknown>): string[] {
  const userData = userDataOf(new SynthesizedTemplate({ network: "proxy", region: "eu-west-1", ...given }));
  return [...userData.matchAll(/acl listed var\(txn\.name\) -m \w+ (\S+)$/gm)].map(([, host]) => host ?? "");
}

describe("the proxy's network", () => {
  test("has the runners in subnets whose only way out is the proxy", () => {
    const routes = template.of("AWS::EC2::Route").map(({ Properties }) => Properties);
    const ofRunners = routes.filter(({ RouteTableId }) => text(RouteTableId)?.includes("PrivateSubnet"));
    const instance = Object.keys(template.resources).find(
      (id) => template.resources[id]?.Type === "AWS::EC2::Instance",
    );

    expect(ofRunners).toHaveLength(2);
    for (const route of ofRunners)
      expect(route).toEqual({
        RouteTableId: expect.anything(),
        DestinationCidrBlock: "0.0.0.0/0",
        InstanceId: { Ref: instance },
      });
    const launching = template
      .of("AWS::Lambda::Function")
      .map((resource) => text(resource))
      .filter((it) => it?.includes("SUBNETS"));
    expect(launching.length).toBeGreaterThan(0);
    for (const environment of launching) {
      expect(environment).toContain('"ASSIGN_PUBLIC_IP":"0"');
      expect(environment).toContain("PrivateSubnet1");
      expect(environment).not.toContain("PublicSubnet");
    }
  });

  test("has nothing else that leads out or that is paid by the hour", () => {
    expect(template.of("AWS::EC2::NatGateway")).toEqual([]);
    expect(template.of("AWS::EC2::EIP")).toEqual([]);
    const types = template.of("AWS::EC2::VPCEndpoint").map(({ Properties }) => Properties.VpcEndpointType);
    expect(types).toEqual(["Gateway", "Gateway"]);
  });

  test("leads past the proxy to the jobs' table and the layers of images only", () => {
    const endpoints = template.of("AWS::EC2::VPCEndpoint").map(({ Properties }) => Properties);

    for (const { RouteTableIds } of endpoints) expect(text(RouteTableIds)).not.toContain("PublicSubnet");
    expect(endpoints.map(({ PolicyDocument }) => PolicyDocument)).toMatchObject([
      {
        Statement: [
          {
            Action: "dynamodb:*",
            Resource: [{ "Fn::GetAtt": [expect.stringMatching(/^StorageTable/), "Arn"] }, expect.anything()],
          },
        ],
      },
      { Statement: [{ Action: "s3:GetObject", Resource: expect.anything() }] },
    ]);
    expect(text(endpoints[1]?.PolicyDocument)).toContain(":s3:::prod-eu-west-1-starport-layer-bucket/*");
  });
});

describe("the proxy's machine", () => {
  test("takes what is for others, by https and from runners only", () => {
    expect(machine.SourceDestCheck).toBe(false);
    const [ingress, ...others] = template.of("AWS::EC2::SecurityGroupIngress").map(({ Properties }) => Properties);
    expect(others).toEqual([]);
    expect(ingress).toMatchObject({
      GroupId: { "Fn::GetAtt": [expect.stringMatching(/EgressProxySecurityGroup/), "GroupId"] },
      SourceSecurityGroupId: { "Fn::GetAtt": [expect.stringMatching(/NetworkRunners/), "GroupId"] },
      ...{ IpProtocol: "tcp", FromPort: 443, ToPort: 443 },
    });
    for (const { Properties } of template.of("AWS::EC2::SecurityGroup")) {
      expect(Properties.SecurityGroupIngress).toBeUndefined();
      expect(Properties.SecurityGroupEgress).toMatchObject([{ IpProtocol: "tcp", FromPort: 443, ToPort: 443 }]);
    }
  });

  test("has an encrypted disk, no key to log in with, no rights, and tells about itself only to those who ask twice", () => {
    expect(machine.BlockDeviceMappings).toMatchObject([{ Ebs: { Encrypted: true, VolumeType: "gp3" } }]);
    expect(machine.KeyName).toBeUndefined();
    expect(machine.MetadataOptions).toEqual({ HttpTokens: "required" });
    expect(template.statementsOf("RunnersNetworkEgressProxy")).toEqual([]);
    const roles = Object.entries(template.resources).filter(
      ([id, { Type }]) => Type === "AWS::IAM::Role" && id.includes("EgressProxy"),
    );
    expect(roles).toHaveLength(1);
    expect(roles[0]?.[1].Properties.ManagedPolicyArns).toBeUndefined();
  });

  test("is the newest Amazon Linux, found without a look-up, and slow rather than dear under load", () => {
    expect(text(template.template)).toContain('"AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"');
    expect(machine).toMatchObject({ InstanceType: "t4g.nano", CreditSpecification: { CPUCredits: "standard" } });
  });

  test("is replaced where the list is another, and only then", () => {
    const idWith = (egressAllowList: string) => {
      const { resources } = new SynthesizedTemplate({ network: "proxy", region: "eu-west-1", egressAllowList });
      return Object.keys(resources).find((id) => resources[id]?.Type === "AWS::EC2::Instance");
    };

    expect(idWith("a.example")).toBe(idWith("a.example"));
    expect(idWith("a.example")).not.toBe(idWith("b.example"));
  });

  test("fails the deploy where its boot fails, and is rebooted when it is stuck", () => {
    const Policy = z.object({ CreationPolicy: z.object({ ResourceSignal: z.object({ Timeout: z.string() }) }) });
    const { Resources } = z.object({ Resources: z.record(z.string(), z.unknown()) }).parse(template.template);
    const waitsFor = Object.entries(Resources).filter(([, resource]) => Policy.safeParse(resource).success);

    expect(waitsFor.map(([id]) => id)).toEqual([expect.stringContaining("EgressProxyInstance")]);
    const userData = userDataOf(template);
    expect(userData).toMatch(/^#!\/bin\/bash -eu\n/);
    expect(userData).toContain("trap exitTrap EXIT");
    expect(userData).toContain(`--resource ${waitsFor[0]?.[0]} `);
    const alarms = template.of("AWS::CloudWatch::Alarm").map((alarm) => text(alarm));
    expect(
      alarms.filter((alarm) => alarm?.includes("StatusCheckFailed_Instance") && alarm.includes(":ec2:reboot")),
    ).toHaveLength(1);
  });

  test("gets what it boots from well below the limit of 16 KB", () => {
    expect(Buffer.byteLength(userDataOf(template))).toBeLessThan(8_192);
  });
});

describe("the list of the proxy", () => {
  const aws = ["sqs", "logs", "ssmmessages"].map((service) => `${service}.eu-west-1.amazonaws.com`);
  const imageUri = `${account}.dkr.ecr.eu-west-1.amazonaws.com/omx-web/runner:1`;
  const registry = [`${account}.dkr.ecr.eu-west-1.amazonaws.com`, "api.ecr.eu-west-1.amazonaws.com"];

  test("has what a job needs of AWS in its region, the git host, and nothing else", () => {
    expect(allowed({ imageUri })).toEqual([...aws, ...registry, "github.com"]);
  });

  test("has the repositories' hosts and what the configuration adds, a domain with itself", () => {
    const given = {
      gitBaseUrl: "https://git.example/",
      repositoryAllowList: "https://git.example/team/,https://other.example/",
    };

    expect(allowed({ imageUri, ...given, egressAllowList: "api.example.com,.models.example" }).slice(5)).toEqual([
      ...["git.example", "other.example", "api.example.com", "models.example", ".models.example"],
    ]);
  });

  test("has the parameters' host only where a token is read from there", () => {
    expect(allowed({ imageUri, gitTokenParameter: "/git" })).toContain("ssm.eu-west-1.amazonaws.com");
    expect(text(allowed({ imageUri }))).not.toContain("ssm.");
  });

  test("has the registry of an image from elsewhere", () => {
    const far = allowed({ imageUri: `${account}.dkr.ecr.us-east-1.amazonaws.com/omx-web/runner:1` });

    expect(far.slice(3, 5)).toEqual([`${account}.dkr.ecr.us-east-1.amazonaws.com`, "api.ecr.us-east-1.amazonaws.com"]);
    expect(allowed({ imageUri: "registry.example/omx/runner:1" })).toEqual([...aws, "registry.example", "github.com"]);
    expect(allowed({ imageUri: "omx/runner:1" })).toEqual([...aws, "github.com"]);
  });

  test("is right where the region is known only at the deploy", () => {
    expect(userDataOf(new SynthesizedTemplate({ network: "proxy" }))).toContain(
      '-m str sqs.<{"Ref":"AWS::Region"}>.amazonaws.com\n',
    );
  });
});
