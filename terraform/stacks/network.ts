import { DefaultSecurityGroup } from "@cdktn/provider-aws/lib/default-security-group/index.js";
import { InternetGateway } from "@cdktn/provider-aws/lib/internet-gateway/index.js";
import { RouteTable } from "@cdktn/provider-aws/lib/route-table/index.js";
import { RouteTableAssociation } from "@cdktn/provider-aws/lib/route-table-association/index.js";
import { Subnet } from "@cdktn/provider-aws/lib/subnet/index.js";
import { Vpc } from "@cdktn/provider-aws/lib/vpc/index.js";
import { VpcEndpoint } from "@cdktn/provider-aws/lib/vpc-endpoint/index.js";
import { type App, Fn } from "cdktn";
import { allow, toPolicyJson } from "../permissions/statement.ts";
import type { Accounts } from "../read-config.ts";
import { suppressFindings } from "../suppress-findings.ts";
import { addSlipwayStack } from "./slipway-stack.ts";

export type Network = {
  readonly vpc: string;
  /** Subnets with outbound access, from where the server pulls its image and calls AWS. No inbound access. */
  readonly outbound: readonly string[];
  /** Subnets without outbound access: for the database and the load balancer. */
  readonly inside: readonly string[];
};

type OwnRegistryConfig = Extract<Accounts["tooling"]["registry"], { kind: "own" }>;

/**
 * The registry's network, in two zones. No NAT gateway (USD 33 a month and more): the only task with outbound traffic
 * has a public address and a security group without inbound access (docs/infrastructure.md compares both). S3 has a VPC
 * endpoint.
 */
export const addNetworkStack = (
  app: App,
  accounts: Accounts,
  { cidr, zones }: OwnRegistryConfig,
): Network => {
  const stack = addSlipwayStack(app, "network", { accounts, account: "tooling", as: "role" });
  const { region } = accounts.tooling;
  const vpc = new Vpc(stack, "vpc", {
    cidrBlock: cidr,
    enableDnsSupport: true,
    enableDnsHostnames: true,
    tags: { Name: "slipway" },
  });
  suppressFindings(vpc, {
    CKV2_AWS_11:
      "it has one task and one database, and the logs of the HTTP API and the database show the callers; flow logs cost by the gigabyte",
  });
  new DefaultSecurityGroup(stack, "nobody", { vpcId: vpc.id });
  const gateway = new InternetGateway(stack, "gateway", { vpcId: vpc.id, tags: { Name: "slipway" } });
  const out = new RouteTable(stack, "out", {
    vpcId: vpc.id,
    route: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id }],
    tags: { Name: "slipway-out" },
  });
  const inside = new RouteTable(stack, "in", { vpcId: vpc.id, route: [], tags: { Name: "slipway-in" } });

  const subnets = (kind: "outbound" | "inside", table: RouteTable) =>
    zones.map((availabilityZone, zone) => {
      const subnet = new Subnet(stack, `${kind}-${zone}`, {
        vpcId: vpc.id,
        cidrBlock: Fn.cidrsubnet(cidr, 2, kind === "outbound" ? zone : zone + 2),
        availabilityZone,
        mapPublicIpOnLaunch: false,
        tags: { Name: `slipway-${kind}-${zone}` },
      });
      new RouteTableAssociation(stack, `${kind}-${zone}-routes`, {
        subnetId: subnet.id,
        routeTableId: table.id,
      });
      return subnet.id;
    });
  const subnetIds = { outbound: subnets("outbound", out), inside: subnets("inside", inside) };

  new VpcEndpoint(stack, "s3", {
    vpcId: vpc.id,
    serviceName: `com.amazonaws.${region}.s3`,
    vpcEndpointType: "Gateway",
    routeTableIds: [out.id, inside.id],
    policy: toPolicyJson([
      {
        ...allow(
          ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:GetBucketLocation"],
          ["arn:aws:s3:::slipway-*"],
        ),
        Principal: "*",
      },
      // Image layers from ECR, if the server's image is there.
      { ...allow(["s3:GetObject"], [`arn:aws:s3:::prod-${region}-starport-layer-bucket/*`]), Principal: "*" },
    ]),
    tags: { Name: "slipway-s3" },
  });
  return { vpc: vpc.id, ...subnetIds };
};
