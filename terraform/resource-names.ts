import type { Environment } from "../platform/serving/serving.ts";
import type { Accounts } from "./read-config.ts";

/** Terraform's role in each account, and the role for plans from the states, which has no permissions. */
export const terraformRole = "slipway-terraform";
export const planRole = "slipway-terraform-plan";

/**
 * Names and ARNs that are known before any resource exists. References to other accounts and circular references
 * (functions and state machine, steps and the roles that trust them) use these, so that no two stacks wait for each
 * other.
 */
export const nameResources = (accounts: Accounts) => {
  const { tooling } = accounts;
  const here = (service: string, rest: string) =>
    `arn:aws:${service}:${tooling.region}:${tooling.account}:${rest}`;
  return {
    stateBucket: `slipway-state-${tooling.account}-${tooling.region}`,
    table: "slipway-deliveries",
    /** The managed IAM policy of operators who may change the platform's policy. */
    operatorPolicy: "slipway-operators",
    secrets: "/slipway/",
    /** The parameter with Terraform's outputs for the `slipway` command. */
    outputs: "/slipway/outputs",
    imageRepository: "slipway",
    imageRepositoryArn: here("ecr", "repository/slipway"),
    imageRepositoryUri: `${tooling.account}.dkr.ecr.${tooling.region}.amazonaws.com/slipway`,
    alarmTopic: "slipway-alarms",
    alarmTopicArn: here("sns", "slipway-alarms"),
    /** EventBridge's bus of Slipway's events, and the topic that gets all of them. */
    eventBus: "slipway",
    eventBusArn: here("events", "event-bus/slipway"),
    eventTopic: "slipway-events",
    eventTopicArn: here("sns", "slipway-events"),
    /** The bucket of the builder and of the images' provenance. */
    artefactBucket: `slipway-artefacts-${tooling.account}-${tooling.region}`,
    artefactBucketArn: `arn:aws:s3:::slipway-artefacts-${tooling.account}-${tooling.region}`,
    /** The bucket with Object Lock in which the heads of the audit trails lie. */
    auditBucket: `slipway-audit-${tooling.account}-${tooling.region}`,
    auditBucketArn: `arn:aws:s3:::slipway-audit-${tooling.account}-${tooling.region}`,
    buildProject: "slipway-images",
    /** CodeCommit's approval rule template. */
    approvalRule: "slipway-operators",
    /** The only role that builds and signs images. */
    buildRole: "slipway-images-build",
    buildRoleArn: `arn:aws:iam::${tooling.account}:role/slipway-images-build`,
    stateMachine: "slipway",
    stateMachineArn: here("states", "stateMachine:slipway"),
    executionsArn: here("states", "execution:slipway:*"),
    functionName: (name: string) => `slipway-${name}`,
    /**
     * The function that checks keys, and its role. In a trial both environments have one in the same account. The name
     * ends in the environment: with the environment in front it would look like a model's function.
     */
    authorizer: (environment: Environment) =>
      tooling.trial ? `slipway-authorize-key-${environment}` : "slipway-authorize-key",
    functionArn: (name: string) => here("lambda", `function:slipway-${name}`),
    /** The role of a function in tooling. */
    functionRoleArn: (name: string) => `arn:aws:iam::${tooling.account}:role/slipway-${name}`,
    /** The role in an environment that a caller from tooling assumes: a function, or `operator`. */
    callerRole: (environment: Environment, caller: string) => `slipway-${environment}-${caller}`,
    callerRoleArn: (environment: Environment, caller: string) =>
      `arn:aws:iam::${accounts[environment].account}:role/slipway-${environment}-${caller}`,
    /** The role that all inference functions of an environment share. */
    inferenceRole: (environment: Environment) => `slipway-${environment}-inference`,
    inferenceRoleArn: (environment: Environment) =>
      `arn:aws:iam::${accounts[environment].account}:role/slipway-${environment}-inference`,
    /** The parameter in the environment's account with the key for hashes of recorded inputs. */
    recordsHashKey: (environment: Environment) => `/slipway/${environment}/RECORDS_HASH_KEY`,
    recordsTable: (environment: Environment) => `slipway-${environment}-records`,
    recordsBucket: (environment: Environment) =>
      `slipway-${environment}-records-${accounts[environment].account}-${accounts[environment].region}`,
  };
};
export type ResourceNames = ReturnType<typeof nameResources>;
