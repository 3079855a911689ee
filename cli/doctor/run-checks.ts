import { CodeBuildClient } from "@aws-sdk/client-codebuild";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient } from "@aws-sdk/client-ecr";
import { KMSClient } from "@aws-sdk/client-kms";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { OutputsMissing } from "#cli/read-aws-outputs.ts";
import { createSignedFetch } from "#platform/registry/signed-fetch.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { environments } from "#platform/serving/serving.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { createSource } from "#worlds/aws/source.ts";
import { checkAccount } from "./check-account.ts";
import { checkBuildProject } from "./check-build-project.ts";
import { checkCipherKey } from "./check-cipher-key.ts";
import { checkConcurrency } from "./check-concurrency.ts";
import { checkCredentials } from "./check-credentials.ts";
import { checkEnvironment } from "./check-environment.ts";
import { checkImageRepository } from "./check-image-repository.ts";
import { checkLambdaFunction } from "./check-lambda-function.ts";
import { checkRegistry } from "./check-registry.ts";
import { checkSecret } from "./check-secret.ts";
import { checkSlack } from "./check-slack.ts";
import { checkSlackCallback } from "./check-slack-callback.ts";
import { checkSource } from "./check-source.ts";
import { checkStateMachine } from "./check-state-machine.ts";
import { checkTable } from "./check-table.ts";
import { explainImageDigest } from "./explain-image-digest.ts";
import type { DoctorCheck, DoctorFinding } from "./finding.ts";
import { reportCheckError } from "./report-check-error.ts";
import { toolingFunctions } from "./tooling-functions.ts";

const listSecretNames = ({ SOURCE_HOST }: AwsOutputs): readonly string[] => [
  "SLACK_BOT_TOKEN",
  "SLACK_SIGNING_SECRET",
  ...(SOURCE_HOST === "github" ? ["GITHUB_TOKEN"] : []),
];

/** All checks of an installation, in the order in which a person would fix the findings. */
const listChecks = (outputs: AwsOutputs, needs: Needs): readonly DoctorCheck[] => {
  const { fetch } = needs;
  const sts = new STSClient({});
  const ssm = new SSMClient({});
  const lambda = new LambdaClient({});
  const [, , , region = ""] = outputs.STATE_MACHINE_ARN.split(":");
  const { credentials } = sts.config;
  const registryFetch =
    outputs.MLFLOW_AUTH === "iam"
      ? createSignedFetch({ fetch, region, credentials, clock: Date.now })
      : fetch;
  const secrets = createSsmSecrets({ client: ssm, prefix: outputs.SECRETS_PREFIX });
  return [
    reportCheckError("the tooling account", () => checkAccount(sts, outputs)),
    reportCheckError("stage", () => checkEnvironment(sts, "stage", outputs)),
    reportCheckError("prod", () => checkEnvironment(sts, "prod", outputs)),
    ...environments.map((environment) =>
      reportCheckError(`the quota of ${environment}`, () => checkConcurrency(sts, environment, outputs)),
    ),
    reportCheckError("the table", () => checkTable(new DynamoDBClient({}), outputs)),
    reportCheckError("the key of task tokens", () => checkCipherKey(new KMSClient({}), outputs)),
    ...listSecretNames(outputs).map((name) =>
      reportCheckError(`the secret ${name}`, () => checkSecret(ssm, name, outputs)),
    ),
    reportCheckError("the source", () => checkSource(createSource({ env: outputs, secrets }), outputs)),
    reportCheckError("the image repository", () => checkImageRepository(new ECRClient({}), outputs)),
    reportCheckError("the build project", () => checkBuildProject(new CodeBuildClient({}), outputs)),
    reportCheckError("the state machine", () => checkStateMachine(new SFNClient({}), outputs)),
    ...Object.entries(toolingFunctions).map(([name, Env]) =>
      reportCheckError(`the function slipway-${name}`, () =>
        checkLambdaFunction(lambda, { name, Env }, outputs),
      ),
    ),
    reportCheckError("Slack", () => checkSlack({ secrets, fetch }, outputs)),
    reportCheckError("Slack's callbacks", () => checkSlackCallback({ fetch }, outputs)),
    reportCheckError("MLflow", () => checkRegistry({ fetch: registryFetch }, outputs)),
  ];
};

type Needs = {
  readonly outputs: () => Promise<AwsOutputs>;
  readonly fetch: typeof fetch;
};

/**
 * Checks an AWS installation and changes nothing. Without credentials or outputs no other check can run, so the result
 * holds only those findings.
 */
export const runChecks = async (needs: Needs): Promise<readonly DoctorFinding[]> => {
  const credentials = await checkCredentials(new STSClient({}));
  if (credentials.status !== "ok") return [credentials];
  let outputs: AwsOutputs;
  try {
    outputs = await needs.outputs();
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    const remedy =
      error instanceof OutputsMissing
        ? `Apply the stack \`delivery\` (docs/infrastructure.md). Before the first time: ${explainImageDigest("buildImage", "arm64")} ${explainImageDigest("baseImage", "arm64")}`
        : "Check that you may read the parameter /slipway/outputs, in the tooling account and its region.";
    return [credentials, { status: "missing", sentence: message, remedy }];
  }
  const findings: DoctorFinding[] = [credentials];
  for (const check of listChecks(outputs, needs)) {
    const finding = await check();
    if (finding) findings.push(finding);
  }
  return findings;
};
