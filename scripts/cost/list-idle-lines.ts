import * as z from "zod";
import { hoursPerMonth, type PriceName } from "#domain/cost/prices.ts";
import type { CostLine } from "#domain/cost/sum-cost.ts";
import {
  listResources,
  type ResourceJson,
  type SynthesizedStacks,
} from "#test/infrastructure/synth-stacks.ts";
import { assumptions } from "./assumptions.ts";
import { countLambdaLogBytes } from "./lambda-log-lines.ts";

type Amounts = Readonly<Record<string, number>>;

const bytesPerGb = 1_000_000_000;
const secondsPerMonth = hoursPerMonth * 3_600;

/** The account that a stack's resources belong to: `trial` if the three are one. */
const findAccountName = ({ accounts }: SynthesizedStacks, stack: string): string => {
  if (accounts.prod.account === accounts.tooling.account) return "one account";
  return /-(stage|prod)$/.exec(stack)?.[1] ?? "tooling";
};

/** Adds up a number of each resource of a type, by account. */
const sumByAccount = (
  written: SynthesizedStacks,
  type: string,
  count: (resource: ResourceJson) => number = () => 1,
): Amounts => {
  const amounts: Record<string, number> = {};
  for (const [stack, , resource] of listResources(written, type)) {
    const account = findAccountName(written, stack);
    amounts[account] = (amounts[account] ?? 0) + count(resource);
  }
  return amounts;
};

const total = (amounts: Amounts): number => Object.values(amounts).reduce((sum, amount) => sum + amount, 0);
const scale = (amounts: Amounts, factor: number): Amounts =>
  Object.fromEntries(Object.entries(amounts).map(([account, amount]) => [account, amount * factor]));

const Task = z.looseObject({
  cpu: z.string(),
  memory: z.string(),
  runtime_platform: z.looseObject({ cpu_architecture: z.string() }),
});
const Service = z.looseObject({
  desired_count: z.number(),
  network_configuration: z.looseObject({ assign_public_ip: z.boolean() }),
});
const Cluster = z.looseObject({
  manage_master_user_password: z.boolean(),
  serverlessv2_scaling_configuration: z.looseObject({ min_capacity: z.number() }),
});
const Alarm = z.looseObject({
  metric_query: z.array(z.looseObject({ metric: z.unknown().optional() })).optional(),
});
const HealthCheck = z.looseObject({ health_check: z.looseObject({ interval: z.number() }) });
const Endpoint = z.looseObject({
  vpc_endpoint_type: z.string(),
  subnet_ids: z.array(z.string()).optional(),
});
const Lambda = z.looseObject({
  function_name: z.string(),
  memory_size: z.number(),
  tracing_config: z.looseObject({ mode: z.string() }),
  logging_config: z.looseObject({
    log_format: z.enum(["JSON", "Text"]),
    system_log_level: z.string().optional(),
  }),
});
const Schedule = z.looseObject({ schedule_expression: z.string().optional() });

/** An alarm costs as much as the metrics that it reads. */
const countAlarmMetrics = (resource: ResourceJson): number =>
  Alarm.parse(resource).metric_query?.filter(({ metric }) => metric !== undefined).length ?? 1;

/** Runs a month of a rule's schedule: `rate(5 minutes)`. */
const countRuns = (resource: ResourceJson): number => {
  const expression = Schedule.parse(resource).schedule_expression;
  if (expression === undefined) return 0;
  const [, amount, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const seconds = { minute: 60, hour: 3_600, day: 86_400 }[unit ?? ""];
  if (seconds === undefined) throw new RangeError(`unknown schedule ${expression}: add it to countRuns`);
  return secondsPerMonth / (Number(amount) * seconds);
};

/** A function's resource by its name without `slipway-`. */
export const findFunction = (written: SynthesizedStacks, name: string, stacks?: readonly string[]) => {
  const found = listResources(written, "aws_lambda_function", stacks)
    .map(([, , resource]) => Lambda.parse(resource))
    .find(({ function_name }) => function_name.endsWith(name));
  if (found === undefined) throw new RangeError(`the stacks have no function ${name}`);
  return found;
};

const listServerLines = (written: SynthesizedStacks): readonly CostLine[] => {
  const [[, , service] = []] = listResources(written, "aws_ecs_service");
  const [[, , definition] = []] = listResources(written, "aws_ecs_task_definition");
  if (service === undefined || definition === undefined) return [];
  const { desired_count: servers, network_configuration: network } = Service.parse(service);
  const { cpu, memory, runtime_platform: platform } = Task.parse(definition);
  const [vcpus, gb] = [Number(cpu) / 1_024, Number(memory) / 1_024];
  const arm = platform.cpu_architecture === "ARM64";
  const tooling = (amount: number) => ({ tooling: amount * servers * hoursPerMonth });
  return [
    {
      part: "MLflow's server, processor",
      price: arm ? "fargateArmVcpuHour" : "fargateX86VcpuHour",
      amounts: tooling(vcpus),
      basis: `${servers} × ${vcpus} vCPU on Fargate`,
    },
    {
      part: "MLflow's server, memory",
      price: arm ? "fargateArmGbHour" : "fargateX86GbHour",
      amounts: tooling(gb),
      basis: `${servers} × ${gb} GB`,
    },
    ...(network.assign_public_ip
      ? [
          {
            part: "its public address",
            price: "publicAddressHour",
            amounts: tooling(1),
            basis: "it pulls its image through it",
          } as const,
        ]
      : []),
  ];
};

const listSweepLines = (written: SynthesizedStacks): readonly CostLine[] => {
  const runs = total(sumByAccount(written, "aws_cloudwatch_event_rule", countRuns));
  const { memory_size, tracing_config, logging_config } = findFunction(written, "sweep-deliveries");
  const gbSeconds = runs * assumptions.sweepSeconds * (memory_size / 1_024);
  const logBytes = countLambdaLogBytes(logging_config.log_format, logging_config.system_log_level);
  const shown = Math.round(runs).toLocaleString("en-US");
  const line = (price: PriceName, amount: number, basis: string): CostLine => ({
    part: "the sweep",
    price,
    amounts: { tooling: amount },
    basis,
  });
  return [
    line("lambdaRequest", runs, `${shown} runs by schedule`),
    line("lambdaArmGbSecond", gbSeconds, `${shown} × ${assumptions.sweepSeconds} s × ${memory_size} MB`),
    ...(tracing_config.mode === "Active" ? [line("trace", runs, "one a run")] : []),
    line("tableRead", runs * assumptions.sweepTableReads, `${assumptions.sweepTableReads} a run`),
    line("keyRequest", runs * assumptions.sweepKeyRequests, `${assumptions.sweepKeyRequests} a run`),
    line("logsGb", (runs * logBytes) / bytesPerGb, `${logBytes} bytes a run`),
  ];
};

const listStorageLines = (written: SynthesizedStacks): readonly CostLine[] => {
  const tables = sumByAccount(written, "aws_dynamodb_table", () => assumptions.tablesGb);
  return [
    { part: "images", price: "imageGbMonth", amounts: { tooling: assumptions.imagesGb }, basis: "assumed" },
    {
      part: "artefacts, states",
      price: "objectGbMonth",
      amounts: { tooling: assumptions.objectsGb },
      basis: "assumed",
    },
    { part: "tables", price: "tableGbMonth", amounts: tables, basis: "assumed" },
    { part: "tables' backups", price: "tableBackupGbMonth", amounts: tables, basis: "assumed" },
  ];
};

/** What the stacks cost in a month without deliveries and predictions. */
export const listIdleLines = (written: SynthesizedStacks): readonly CostLine[] => {
  const count = (type: string, of?: (resource: ResourceJson) => number) => sumByAccount(written, type, of);
  const keys = count("aws_kms_key");
  const alarms = count("aws_cloudwatch_metric_alarm", countAlarmMetrics);
  const balancers = count("aws_lb");
  const endpoints = count("aws_vpc_endpoint", (resource) => {
    const { vpc_endpoint_type: type, subnet_ids: subnets = [] } = Endpoint.parse(resource);
    return type === "Interface" ? Math.max(1, subnets.length) : 0;
  });
  const clusters = listResources(written, "aws_rds_cluster").map(([, , resource]) => Cluster.parse(resource));
  const passwords = clusters.filter((cluster) => cluster.manage_master_user_password).length;
  const leastAcu = clusters.reduce(
    (sum, { serverlessv2_scaling_configuration: { min_capacity } }) => sum + min_capacity,
    0,
  );
  const checks = count(
    "aws_lb_target_group",
    (resource) =>
      (secondsPerMonth / HealthCheck.parse(resource).health_check.interval) * assumptions.loadBalancerNodes,
  );
  const lines: readonly CostLine[] = [
    {
      part: "load balancer",
      price: "loadBalancerHour",
      amounts: scale(balancers, hoursPerMonth),
      basis: `${total(balancers)}; idle it uses no LCU`,
    },
    ...listServerLines(written),
    {
      part: "NAT gateways",
      price: "natGatewayHour",
      amounts: scale(count("aws_nat_gateway"), hoursPerMonth),
      basis: `${total(count("aws_nat_gateway"))}`,
    },
    {
      part: "interface endpoints",
      price: "interfaceEndpointHour",
      amounts: scale(endpoints, hoursPerMonth),
      basis: `${total(endpoints)}`,
    },
    {
      part: "Aurora's compute",
      price: "auroraAcuHour",
      amounts: { tooling: leastAcu * hoursPerMonth },
      basis: `at least ${leastAcu} ACU, paused`,
    },
    {
      part: "Aurora's storage",
      price: "auroraGbMonth",
      amounts: { tooling: clusters.length * assumptions.auroraGb },
      basis: `${clusters.length} × ${assumptions.auroraGb} GB`,
    },
    {
      part: "its password",
      price: "secretMonth",
      amounts: { tooling: passwords },
      basis: `${passwords} secret that RDS rotates`,
    },
    {
      part: "KMS keys",
      price: "keyMonth",
      amounts: keys,
      basis: `${total(keys)}; a year's rotation adds 1.00 to each symmetric one, at most twice`,
    },
    {
      part: "alarms",
      price: "alarmMetricMonth",
      amounts: alarms,
      basis: `${total(count("aws_cloudwatch_metric_alarm"))} alarms on ${total(alarms)} metrics`,
    },
    {
      part: "dashboards",
      price: "dashboardMonth",
      amounts: count("aws_cloudwatch_dashboard"),
      basis: `${total(count("aws_cloudwatch_dashboard"))}`,
    },
    ...listSweepLines(written),
    {
      part: "MLflow's log",
      price: "logsGb",
      amounts: scale(checks, assumptions.healthCheckLogBytes / bytesPerGb),
      basis: "the load balancer's health checks",
    },
    ...listStorageLines(written),
    {
      part: "CodeCommit",
      price: "codeCommitUserMonth",
      amounts: {
        tooling: total(count("aws_codecommit_repository")) === 0 ? 0 : assumptions.codeCommitPeople,
      },
      basis: `${assumptions.codeCommitPeople} people`,
    },
  ];
  return lines.filter(({ amounts }) => total(amounts) > 0);
};
