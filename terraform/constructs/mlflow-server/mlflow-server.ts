import { readFileSync } from "node:fs";
import { CloudwatchLogGroup } from "@cdktn/provider-aws/lib/cloudwatch-log-group/index.js";
import { EcsCluster } from "@cdktn/provider-aws/lib/ecs-cluster/index.js";
import { EcsService } from "@cdktn/provider-aws/lib/ecs-service/index.js";
import { EcsTaskDefinition } from "@cdktn/provider-aws/lib/ecs-task-definition/index.js";
import { IamRole } from "@cdktn/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktn/provider-aws/lib/iam-role-policy/index.js";
import { SecurityGroup } from "@cdktn/provider-aws/lib/security-group/index.js";
import { VpcSecurityGroupEgressRule } from "@cdktn/provider-aws/lib/vpc-security-group-egress-rule/index.js";
import { VpcSecurityGroupIngressRule } from "@cdktn/provider-aws/lib/vpc-security-group-ingress-rule/index.js";
import { Construct } from "constructs";
import { allow, toPolicyJson } from "../../permissions/statement.ts";
import type { Network } from "../../stacks/network.ts";
import { suppressFindings } from "../../suppress-findings.ts";
import { addDatabase, databaseName, databasePort, databaseUser } from "./database.ts";
import { addInternalBalancer } from "./internal-balancer.ts";

type Needs = {
  readonly network: Network;
  readonly account: string;
  readonly region: string;
  readonly image: string;
  /** false: database and artefacts only. */
  readonly running: boolean;
  readonly certificate?: { readonly arn: string; readonly host: string } | undefined;
  /** The host name for callers outside the network: MLflow refuses other Host headers. */
  readonly publicHost: string;
  readonly bucket: { readonly name: string; readonly arn: string };
  readonly key: string;
  /** Protects the database from deletion. */
  readonly protect: boolean;
  readonly logRetentionDays: number;
};

const port = 5_000;
const readProgram = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

const addTaskRole = (scope: Construct, id: string, account: string): IamRole =>
  new IamRole(scope, id, {
    name: `slipway-registry-${id}`,
    assumeRolePolicy: toPolicyJson([
      {
        Effect: "Allow",
        Principal: { Service: "ecs-tasks.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "aws:SourceAccount": account } },
      },
    ]),
  });

/**
 * MLflow's tracking server as the smallest Fargate task, behind an internal load balancer, with a database that pauses.
 * Clients write artefacts directly to S3. Returns the load balancer's listener for a VPC link; undefined while the
 * server is switched off.
 */
export const addMlflowServer = (scope: Construct, id: string, needs: Needs) => {
  const { network, account, region, key, bucket, protect } = needs;
  const place = new Construct(scope, id);
  const {
    cluster: aurora,
    securityGroup: databaseGroup,
    secret,
  } = addDatabase(place, "database", { network, key, protect, logRetentionDays: needs.logRetentionDays });
  if (!needs.running) return undefined;

  const logs = new CloudwatchLogGroup(place, "logs", {
    name: "/slipway/registry",
    retentionInDays: needs.logRetentionDays,
    kmsKeyId: key,
  });
  const group = new SecurityGroup(place, "group", {
    name: "slipway-registry-server",
    description: "The MLflow server: reached from its load balancer alone",
    vpcId: network.vpc,
  });
  const balancer = addInternalBalancer(place, "balancer", {
    network,
    port,
    server: group.id,
    certificate: needs.certificate,
  });
  const rule = { ipProtocol: "tcp", fromPort: databasePort, toPort: databasePort };
  new VpcSecurityGroupIngressRule(place, "at-database", {
    ...rule,
    securityGroupId: databaseGroup.id,
    referencedSecurityGroupId: group.id,
    description: "from the MLflow server",
  });
  new VpcSecurityGroupEgressRule(place, "from-server", {
    ...rule,
    securityGroupId: group.id,
    referencedSecurityGroupId: databaseGroup.id,
    description: "to its database",
  });
  new VpcSecurityGroupEgressRule(place, "outside", {
    securityGroupId: group.id,
    cidrIpv4: "0.0.0.0/0",
    ipProtocol: "tcp",
    fromPort: 443,
    toPort: 443,
    description: "image, logs, secret and S3, all by TLS",
  });

  const execution = addTaskRole(place, "execution", account);
  new IamRolePolicy(place, "execution-policy", {
    name: "start",
    role: execution.id,
    policy: toPolicyJson([allow(["logs:CreateLogStream", "logs:PutLogEvents"], [`${logs.arn}:*`])]),
  });
  const task = addTaskRole(place, "task", account);
  new IamRolePolicy(place, "task-policy", {
    name: "calls",
    role: task.id,
    policy: toPolicyJson([
      allow(["secretsmanager:GetSecretValue"], [secret]),
      allow(["kms:Decrypt"], [key], {
        StringEquals: { "kms:EncryptionContext:SecretARN": secret },
      }),
      // Users view and delete artefacts in MLflow's user interface.
      allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [`${bucket.arn}/*`]),
      allow(["s3:ListBucket"], [bucket.arn]),
    ]),
  });

  const hosts = [balancer.host, needs.publicHost, "localhost:*", "127.0.0.1:*"];
  const server = [
    "exec mlflow server",
    `--host 0.0.0.0 --port ${port} --workers 1`,
    `--no-serve-artifacts --default-artifact-root s3://${bucket.name}/mlflow`,
  ].join(" ");
  const definition = new EcsTaskDefinition(place, "definition", {
    family: "slipway-registry",
    requiresCompatibilities: ["FARGATE"],
    networkMode: "awsvpc",
    cpu: "256",
    // Its two processes take 390 MB at rest, and an upgrade of the database starts a third.
    memory: "1024",
    executionRoleArn: execution.arn,
    taskRoleArn: task.arn,
    runtimePlatform: { cpuArchitecture: "X86_64", operatingSystemFamily: "LINUX" },
    volume: [{ name: "tmp" }],
    containerDefinitions: JSON.stringify([
      {
        name: "mlflow",
        image: needs.image,
        essential: true,
        readonlyRootFilesystem: true,
        workingDirectory: "/tmp",
        mountPoints: [{ sourceVolume: "tmp", containerPath: "/tmp", readOnly: false }],
        portMappings: [{ containerPort: port, hostPort: port, protocol: "tcp" }],
        entryPoint: ["sh", "-c"],
        command: [
          [
            "mkdir -p /tmp/start",
            'printf %s "$CONNECT" > /tmp/start/sitecustomize.py',
            "export PYTHONPATH=/tmp/start",
            'python -c "$UPGRADE"',
            server,
          ].join(" && "),
        ],
        environment: [
          { name: "AWS_DEFAULT_REGION", value: region },
          { name: "CONNECT", value: readProgram("sitecustomize.py") },
          { name: "DATABASE_SECRET", value: secret },
          { name: "HOME", value: "/tmp" },
          {
            name: "MLFLOW_BACKEND_STORE_URI",
            value: `postgresql+psycopg2://${databaseUser}@${aurora.endpoint}:${databasePort}/${databaseName}?sslmode=require`,
          },
          { name: "MLFLOW_SERVER_ALLOWED_HOSTS", value: hosts.join(",") },
          { name: "UPGRADE", value: readProgram("upgrade-database.py") },
          // A connection pool, and the server's own jobs, would keep the database awake.
          { name: "MLFLOW_SQLALCHEMYSTORE_POOLCLASS", value: "NullPool" },
          { name: "MLFLOW_SERVER_ENABLE_JOB_EXECUTION", value: "false" },
        ],
        logConfiguration: {
          logDriver: "awslogs",
          options: {
            "awslogs-group": logs.name,
            "awslogs-region": region,
            "awslogs-stream-prefix": "mlflow",
          },
        },
      },
    ]),
  });
  const cluster = new EcsCluster(place, "cluster", {
    name: "slipway-registry",
    setting: [{ name: "containerInsights", value: "disabled" }],
  });
  suppressFindings(cluster, {
    CKV_AWS_65: "container insights cost more per month than the task",
  });
  const service = new EcsService(place, "service", {
    name: "mlflow",
    cluster: cluster.id,
    taskDefinition: definition.arn,
    desiredCount: 1,
    launchType: "FARGATE",
    platformVersion: "LATEST",
    // Never two servers at once: both would migrate the database.
    deploymentMinimumHealthyPercent: 0,
    deploymentMaximumPercent: 100,
    deploymentCircuitBreaker: { enable: true, rollback: true },
    healthCheckGracePeriodSeconds: 180,
    networkConfiguration: {
      subnets: [...network.outbound],
      securityGroups: [group.id],
      assignPublicIp: true,
    },
    loadBalancer: [{ targetGroupArn: balancer.targetGroup, containerName: "mlflow", containerPort: port }],
    propagateTags: "SERVICE",
    dependsOn: [balancer.listener],
  });
  suppressFindings(service, {
    CKV_AWS_333:
      "it needs a public address for outbound traffic, for USD 4 a month instead of 37 for a NAT gateway; its security group only allows the load balancer",
  });
  return { listener: balancer.listener.arn, securityGroup: balancer.securityGroup, balancer };
};
