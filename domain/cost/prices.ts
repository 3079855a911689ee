type Price = {
  /** US dollars for one `unit`. */
  readonly usd: number;
  readonly unit: string;
  /** What AWS gives every account each month, for ever, in the same unit. Offers of a first year are left out. */
  readonly freePerAccount?: number;
  /** AWS's page of the price. */
  readonly page: string;
  /** Where and when the price was read; absent: known, but without a source at hand. */
  readonly seen?: { readonly at: string; readonly date: string };
};

const aws = "https://aws.amazon.com";
const million = 1_000_000;

/**
 * Every price that Slipway computes with: the only place for them. On-demand prices of US East (N. Virginia), the first
 * tier of each. AWS's pages build their regional tables by script, so most prices were read elsewhere: `seen` says where,
 * and on which day that source is dated.
 */
export const prices = {
  loadBalancerHour: {
    usd: 0.0225,
    unit: "hour",
    page: `${aws}/elasticloadbalancing/pricing/`,
    seen: {
      at: "https://github.com/api-evangelist/amazon-elastic-load-balancing/blob/303e536b0f20597afa326ac999f41f282e831e59/plans/amazon-elastic-load-balancing-plans-pricing.yml",
      date: "2026-09-20",
    },
  },
  fargateX86VcpuHour: {
    usd: 0.04048,
    unit: "vCPU-hour",
    page: `${aws}/fargate/pricing/`,
    seen: {
      at: "https://github.com/api-evangelist/amazon-ecs/blob/1c14926ddb8bcd7416feda210843e240c19e781b/plans/amazon-ecs-plans-pricing.yml",
      date: "2026-09-20",
    },
  },
  fargateX86GbHour: {
    usd: 0.004445,
    unit: "GB-hour",
    page: `${aws}/fargate/pricing/`,
    seen: { at: "https://www.wring.co/blog/aws-fargate-pricing-guide", date: "2026-03-10" },
  },
  fargateArmVcpuHour: { usd: 0.03238, unit: "vCPU-hour", page: `${aws}/fargate/pricing/` },
  fargateArmGbHour: { usd: 0.00356, unit: "GB-hour", page: `${aws}/fargate/pricing/` },
  publicAddressHour: {
    usd: 0.005,
    unit: "hour",
    page: `${aws}/vpc/pricing/`,
    seen: {
      at: "https://www.factualminds.com/blog/amazon-vpc-pricing-endpoints-peering-transit-gateway/",
      date: "2026-06-13",
    },
  },
  natGatewayHour: { usd: 0.045, unit: "hour", page: `${aws}/vpc/pricing/` },
  interfaceEndpointHour: {
    usd: 0.01,
    unit: "hour and zone",
    page: `${aws}/privatelink/pricing/`,
    seen: {
      at: "https://www.factualminds.com/blog/amazon-vpc-pricing-endpoints-peering-transit-gateway/",
      date: "2026-06-13",
    },
  },
  auroraAcuHour: { usd: 0.12, unit: "ACU-hour", page: `${aws}/rds/aurora/pricing/` },
  auroraGbMonth: {
    usd: 0.1,
    unit: "GB-month",
    page: `${aws}/rds/aurora/pricing/`,
    seen: { at: "https://awsnegotiations.com/blog/aurora-serverless-v2-pricing.html", date: "2026-05" },
  },
  secretMonth: {
    usd: 0.4,
    unit: "secret-month",
    page: `${aws}/secrets-manager/pricing/`,
    seen: {
      at: "https://hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms",
      date: "no date",
    },
  },
  keyMonth: {
    usd: 1,
    unit: "key-month",
    page: `${aws}/kms/pricing/`,
    seen: { at: "https://cloudburn.io/blog/aws-kms-pricing", date: "2026-03-14" },
  },
  keyRequest: {
    usd: 0.03 / 10_000,
    unit: "request",
    freePerAccount: 20_000,
    page: `${aws}/kms/pricing/`,
    seen: {
      at: "https://www.factualminds.com/blog/aws-kms-pricing-keys-requests-multi-region/",
      date: "2026-06-13",
    },
  },
  asymmetricKeyRequest: {
    usd: 0.15 / 10_000,
    unit: "request",
    page: `${aws}/kms/pricing/`,
    seen: {
      at: "https://www.factualminds.com/blog/aws-kms-pricing-keys-requests-multi-region/",
      date: "2026-06-13",
    },
  },
  alarmMetricMonth: {
    usd: 0.1,
    unit: "alarm metric-month",
    freePerAccount: 10,
    page: `${aws}/cloudwatch/pricing/`,
    seen: { at: "https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm", date: "no date" },
  },
  dashboardMonth: {
    usd: 3,
    unit: "dashboard-month",
    freePerAccount: 3,
    page: `${aws}/cloudwatch/pricing/`,
    seen: { at: `${aws}/cloudwatch/pricing/`, date: "undated copy" },
  },
  customMetricMonth: {
    usd: 0.3,
    unit: "metric-month, by the hour",
    freePerAccount: 10,
    page: `${aws}/cloudwatch/pricing/`,
    seen: { at: "https://signoz.io/guides/cloudwatch-pricing", date: "2026-02-15" },
  },
  logsGb: {
    usd: 0.5,
    unit: "GB of lines",
    freePerAccount: 5,
    page: `${aws}/cloudwatch/pricing/`,
    seen: {
      at: "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
      date: "2026-06-13",
    },
  },
  logsGbMonth: {
    usd: 0.03,
    unit: "GB-month, compressed",
    freePerAccount: 5,
    page: `${aws}/cloudwatch/pricing/`,
  },
  trace: {
    usd: 5 / million,
    unit: "trace",
    freePerAccount: 100_000,
    page: `${aws}/xray/pricing/`,
    seen: { at: `${aws}/de/xray/pricing/`, date: "undated copy" },
  },
  lambdaRequest: {
    usd: 0.2 / million,
    unit: "request",
    freePerAccount: million,
    page: `${aws}/lambda/pricing/`,
    seen: {
      at: "https://git.mcrn.ar/mariano/lambda_local_runner/src/commit/957e45b8adae23ce50b966346229585b5df18b4d/docs/lambdas-md/lambda-13-cost.md",
      date: "no date",
    },
  },
  lambdaArmGbSecond: {
    usd: 0.0000133334,
    unit: "GB-second",
    freePerAccount: 400_000,
    page: `${aws}/lambda/pricing/`,
    seen: { at: "https://cloudchipr.com/blog/aws-lambda-pricing", date: "2024" },
  },
  lambdaX86GbSecond: {
    usd: 0.0000166667,
    unit: "GB-second",
    freePerAccount: 400_000,
    page: `${aws}/lambda/pricing/`,
    seen: { at: "https://cloudchipr.com/blog/aws-lambda-pricing", date: "2024" },
  },
  snapshotGbSecond: {
    usd: 0.0000015,
    unit: "GB-second of a kept snapshot",
    page: `${aws}/lambda/pricing/`,
    seen: { at: "https://awsnegotiations.com/lambda-snapstart-cost-impact.html", date: "2026" },
  },
  snapshotRestoreGb: {
    usd: 0.00014,
    unit: "GB of a start from a snapshot",
    page: `${aws}/lambda/pricing/`,
    seen: { at: "https://awsnegotiations.com/lambda-snapstart-cost-impact.html", date: "2026" },
  },
  httpApiRequest: {
    usd: 1 / million,
    unit: "request",
    page: `${aws}/api-gateway/pricing/`,
    seen: { at: "https://awsforengineers.com/blog/aws-api-gateway-pricing-explained", date: "2025-05-19" },
  },
  tableWrite: {
    usd: 0.625 / million,
    unit: "write of 1 KB",
    page: `${aws}/dynamodb/pricing/on-demand/`,
    seen: { at: "https://airbyte.com/data-engineering-resources/dynamodb-pricing", date: "no date" },
  },
  tableRead: {
    usd: 0.125 / million,
    unit: "consistent read of 4 KB",
    page: `${aws}/dynamodb/pricing/on-demand/`,
    seen: { at: "https://airbyte.com/data-engineering-resources/dynamodb-pricing", date: "no date" },
  },
  tableGbMonth: {
    usd: 0.25,
    unit: "GB-month",
    freePerAccount: 25,
    page: `${aws}/dynamodb/pricing/on-demand/`,
  },
  tableBackupGbMonth: { usd: 0.2, unit: "GB-month", page: `${aws}/dynamodb/pricing/on-demand/` },
  imageGbMonth: {
    usd: 0.1,
    unit: "GB-month",
    page: `${aws}/ecr/pricing/`,
    seen: { at: "https://cloudburn.io/blog/amazon-ecr-pricing", date: "2026-03" },
  },
  objectGbMonth: {
    usd: 0.023,
    unit: "GB-month",
    page: `${aws}/s3/pricing/`,
    seen: {
      at: "https://kindatechnical.com/aws-codebuild/understanding-codebuild-pricing.html",
      date: "no date",
    },
  },
  transition: {
    usd: 0.025 / 1_000,
    unit: "state transition",
    freePerAccount: 4_000,
    page: `${aws}/step-functions/pricing/`,
    seen: { at: `${aws}/step-functions/pricing/`, date: "undated copy" },
  },
  buildArmSmallMinute: {
    usd: 0.0034,
    unit: "minute",
    freePerAccount: 100,
    page: `${aws}/codebuild/pricing/`,
  },
  buildX86SmallMinute: {
    usd: 0.005,
    unit: "minute",
    freePerAccount: 100,
    page: `${aws}/codebuild/pricing/`,
    seen: { at: "https://hivebook.wiki/wiki/aws-codebuild-managed-build-service", date: "2026-05" },
  },
  codeCommitUserMonth: {
    usd: 1,
    unit: "active person-month",
    freePerAccount: 5,
    page: `${aws}/codecommit/pricing/`,
  },
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof prices;

/** The day on which the prices were last gone through, and the region that they are of. */
export const pricesAsOf = { date: "2026-11-29", region: "us-east-1" } as const;

/** AWS's month in its examples. */
export const hoursPerMonth = 730;
