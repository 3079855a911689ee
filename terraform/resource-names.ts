import type { Environment } from "../platform/serving/serving.ts";
import type { Accounts } from "./read-config.ts";

/** The role that Terraform acts as in each account, and the one that may only look. */
export const terraformRole = "slipway-terraform";
export const planRole = "slipway-terraform-plan";

/**
 * Names and ARNs that are known before anything is made. What refers to another account or comes round in a circle
 * (functions and state machine, steps and the roles that trust them) is put together from these, so that no stack
 * waits for one that waits for it.
 */
export const nameResources = (accounts: Accounts) => {
  const { tooling } = accounts;
  const here = (service: string, rest: string) =>
    `arn:aws:${service}:${tooling.region}:${tooling.account}:${rest}`;
  return {
    stateBucket: `slipway-state-${tooling.account}-${tooling.region}`,
    table: "slipway-deliveries",
    /** The managed policy of people who may change the platform's policy. */
    operatorPolicy: "slipway-operators",
    secrets: "/slipway/",
    /** Where the command and `slipway doctor` read what Terraform made. */
    outputs: "/slipway/outputs",
    imageRepository: "slipway",
    imageRepositoryArn: here("ecr", "repository/slipway"),
    imageRepositoryUri: `${tooling.account}.dkr.ecr.${tooling.region}.amazonaws.com/slipway`,
    alarmTopic: "slipway-alarms",
    alarmTopicArn: here("sns", "slipway-alarms"),
    /** The builder, and how each image was built. */
    artefactBucket: `slipway-artefacts-${tooling.account}-${tooling.region}`,
    artefactBucketArn: `arn:aws:s3:::slipway-artefacts-${tooling.account}-${tooling.region}`,
    buildProject: "slipway-images",
    /** CodeCommit's approval rule template. */
    approvalRule: "slipway-operators",
    /** The one role that builds images, and signs them. */
    buildRole: "slipway-images-build",
    buildRoleArn: `arn:aws:iam::${tooling.account}:role/slipway-images-build`,
    stateMachine: "slipway",
    stateMachineArn: here("states", "stateMachine:slipway"),
    executionsArn: here("states", "execution:slipway:*"),
    functionName: (name: string) => `slipway-${name}`,
    functionArn: (name: string) => here("lambda", `function:slipway-${name}`),
    /** The role that a function of tooling's runs under. */
    functionRoleArn: (name: string) => `arn:aws:iam::${tooling.account}:role/slipway-${name}`,
    /** The role in an environment that one caller from tooling takes on: a function, or `operator`. */
    callerRole: (environment: Environment, caller: string) => `slipway-${environment}-${caller}`,
    callerRoleArn: (environment: Environment, caller: string) =>
      `arn:aws:iam::${accounts[environment].account}:role/slipway-${environment}-${caller}`,
    /** The one role of all inference functions of an environment. */
    inferenceRole: (environment: Environment) => `slipway-${environment}-inference`,
    inferenceRoleArn: (environment: Environment) =>
      `arn:aws:iam::${accounts[environment].account}:role/slipway-${environment}-inference`,
    /** Parameter in the environment's account with the key that records hash inputs under. */
    recordsHashKey: (environment: Environment) => `/slipway/${environment}/RECORDS_HASH_KEY`,
    recordsTable: (environment: Environment) => `slipway-${environment}-records`,
    recordsBucket: (environment: Environment) =>
      `slipway-${environment}-records-${accounts[environment].account}-${accounts[environment].region}`,
  };
};
export type ResourceNames = ReturnType<typeof nameResources>;
