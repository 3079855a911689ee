import { CloudwatchLogGroup } from "@cdktn/provider-aws/lib/cloudwatch-log-group/index.js";
import { DbSubnetGroup } from "@cdktn/provider-aws/lib/db-subnet-group/index.js";
import { RdsCluster } from "@cdktn/provider-aws/lib/rds-cluster/index.js";
import { RdsClusterInstance } from "@cdktn/provider-aws/lib/rds-cluster-instance/index.js";
import { SecurityGroup } from "@cdktn/provider-aws/lib/security-group/index.js";
import { Construct } from "constructs";
import type { Network } from "../../stacks/network.ts";
import { suppressFindings } from "../../suppress-findings.ts";

type Needs = {
  readonly network: Network;
  readonly key: string;
  readonly protect: boolean;
  readonly logRetentionDays: number;
};

const clusterName = "slipway-registry";
export const databaseName = "mlflow";
export const databaseUser = "slipway";
export const databasePort = 5432;

/**
 * Aurora PostgreSQL that pauses after five minutes without connections and resumes within about 15 seconds; MLflow uses
 * NullPool, so that it holds no idle connections. RDS stores the password in Secrets Manager and rotates it weekly.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
 * AWS upgrades it to new minor versions, so only the major version is set: Terraform would plan a way back.
 */
export const addDatabase = (
  scope: Construct,
  id: string,
  { network, key, protect, logRetentionDays }: Needs,
) => {
  const place = new Construct(scope, id);
  const securityGroup = new SecurityGroup(place, "group", {
    name: "slipway-registry-database",
    description: "MLflow's database: who may connect is said by rules that name groups",
    vpcId: network.vpc,
  });
  const subnets = new DbSubnetGroup(place, "subnets", {
    name: "slipway-registry",
    subnetIds: [...network.inside],
  });
  // RDS would create this group itself, and keep its lines for ever.
  const logs = new CloudwatchLogGroup(place, "logs", {
    name: `/aws/rds/cluster/${clusterName}/postgresql`,
    retentionInDays: logRetentionDays,
    kmsKeyId: key,
  });
  const cluster = new RdsCluster(place, "cluster", {
    clusterIdentifier: clusterName,
    engine: "aurora-postgresql",
    engineVersion: "16",
    engineMode: "provisioned",
    databaseName,
    masterUsername: databaseUser,
    manageMasterUserPassword: true,
    masterUserSecretKmsKeyId: key,
    port: databasePort,
    serverlessv2ScalingConfiguration: { minCapacity: 0, maxCapacity: 2, secondsUntilAutoPause: 300 },
    storageEncrypted: true,
    kmsKeyId: key,
    dbSubnetGroupName: subnets.name,
    vpcSecurityGroupIds: [securityGroup.id],
    iamDatabaseAuthenticationEnabled: true,
    enabledCloudwatchLogsExports: ["postgresql"],
    backupRetentionPeriod: 14,
    copyTagsToSnapshot: true,
    deletionProtection: protect,
    skipFinalSnapshot: !protect,
    finalSnapshotIdentifier: "slipway-registry-final",
    dependsOn: [logs],
  });
  suppressFindings(cluster, {
    CKV2_AWS_8: "RDS keeps backups for 14 days; an AWS Backup plan would pay twice for the same",
    CKV2_AWS_27: "statements contain run names and tags of experiments, so only connections are logged",
  });
  const instance = new RdsClusterInstance(place, "instance", {
    identifier: "slipway-registry-1",
    clusterIdentifier: cluster.id,
    engine: "aurora-postgresql",
    engineVersion: cluster.engineVersion,
    instanceClass: "db.serverless",
    publiclyAccessible: false,
    autoMinorVersionUpgrade: true,
    dbSubnetGroupName: subnets.name,
  });
  suppressFindings(instance, {
    CKV_AWS_118:
      "Aurora's own metrics show capacity and connections; enhanced monitoring costs log lines per instance",
    CKV_AWS_353: "a delivery makes only a few small queries, so there is nothing to tune",
  });
  return { cluster, securityGroup, secret: cluster.masterUserSecret.get(0).secretArn };
};
