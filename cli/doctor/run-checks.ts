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
import type { Accounts } from "#terraform/read-config.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStore } from "#worlds/aws/store.ts";
import { checkAccount } from "./check-account.ts";
import { checkApprover } from "./check-approver.ts";
import { checkBuildProject } from "./check-build-project.ts";
import { checkCipherKey } from "./check-cipher-key.ts";
import { checkConsole } from "./check-console.ts";
import { checkCredentials } from "./check-credentials.ts";
import { checkEnvironment } from "./check-environment.ts";
import { checkImageRepository } from "./check-image-repository.ts";
import { checkLambdaFunction } from "./check-lambda-function.ts";
import { checkMemory } from "./check-memory.ts";
import { checkRegistry } from "./check-registry.ts";
import { checkReportAccess } from "./check-report-access.ts";
import { checkReportNotes } from "./check-report-notes.ts";
import { checkSecret } from "./check-secret.ts";
import { checkSlack } from "./check-slack.ts";
import { checkSlackCallback } from "./check-slack-callback.ts";
import { checkSource } from "./check-source.ts";
import { checkStateMachine } from "./check-state-machine.ts";
import { checkTable } from "./check-table.ts";
import type { DoctorNeeds } from "./doctor-needs.ts";
import { explainImageDigest } from "./explain-image-digest.ts";
import type { DoctorCheck, DoctorFinding } from "./finding.ts";
import { describeConfig, describeOutputs } from "./installation.ts";
import { listAccountChecks, readRules } from "./list-account-checks.ts";
import type { Configuration } from "./read-configuration.ts";
import { openFolderFiles, readRepositoryRules } from "./read-repository-rules.ts";
import { reportCheckError } from "./report-check-error.ts";
import { toolingFunctions } from "./tooling-functions.ts";

const listSecretNames = ({ SOURCE_HOST, SOURCE_REPORTS, CONSOLE_URL }: AwsOutputs): readonly string[] => [
  "SLACK_BOT_TOKEN",
  "SLACK_SIGNING_SECRET",
  ...(SOURCE_HOST === "github" ? ["GITHUB_TOKEN"] : []),
  ...(SOURCE_REPORTS === "app" ? ["GITHUB_APP_KEY"] : []),
  ...(SOURCE_REPORTS === "token" ? ["GITHUB_REPORT_TOKEN"] : []),
  ...(CONSOLE_URL === undefined ? [] : ["SLACK_CLIENT_SECRET", "CONSOLE_SESSION_KEY"]),
];

/** Functions that exist only where the configuration asks for them. */
const listFunctions = ({ CONSOLE_URL, SOURCE_REPORTS }: AwsOutputs) =>
  Object.entries(toolingFunctions).filter(
    ([name]) =>
      (name !== "show-console" || CONSOLE_URL !== undefined) &&
      (name !== "report-source" || SOURCE_REPORTS !== undefined),
  );

/** The checks of what Terraform created, in the order in which a person would fix the findings. */
const listInstallationChecks = (outputs: AwsOutputs, needs: DoctorNeeds): readonly DoctorCheck[] => {
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
    reportCheckError("the table", () => checkTable(new DynamoDBClient({}), outputs)),
    reportCheckError("the key of task tokens", () => checkCipherKey(new KMSClient({}), outputs)),
    ...listSecretNames(outputs).map((name) =>
      reportCheckError(`the secret ${name}`, () => checkSecret(ssm, name, outputs)),
    ),
    reportCheckError("the source", () => checkSource(createSource({ env: outputs, secrets }), outputs)),
    reportCheckError(
      "the reports on GitHub",
      () => checkReportAccess({ secrets, fetch, clock: Date.now }, outputs),
      undefined,
      "Check that this machine reaches GitHub, and run this again.",
    ),
    reportCheckError("the reports on GitHub", () =>
      checkReportNotes({ store: createStore({ env: outputs, clock: Date.now }), clock: Date.now }, outputs),
    ),
    reportCheckError("the image repository", () => checkImageRepository(new ECRClient({}), outputs)),
    reportCheckError("the build project", () => checkBuildProject(new CodeBuildClient({}), outputs)),
    reportCheckError("the state machine", () => checkStateMachine(new SFNClient({}), outputs)),
    ...listFunctions(outputs).map(([name, Env]) =>
      reportCheckError(`the function slipway-${name}`, () =>
        checkLambdaFunction(lambda, { name, Env }, outputs),
      ),
    ),
    reportCheckError("Slack", () => checkSlack({ secrets, fetch }, outputs)),
    reportCheckError("Slack's callbacks", () => checkSlackCallback({ fetch }, outputs)),
    reportCheckError("the console", () =>
      checkConsole({ secrets, fetch, apiUrl: outputs.SLACK_API_URL }, outputs),
    ),
    reportCheckError("MLflow", () => checkRegistry({ fetch: registryFetch }, outputs)),
  ];
};

/** What the checks above examine, for the time before the first apply. */
const installationParts = [
  "The roles and HTTP APIs of stage and prod",
  "The table and the key of task tokens",
  "The secrets",
  "The image repository and the build project",
  "The state machine and its functions",
  "The source's models",
  "Slack's callbacks",
  "MLflow's version and database",
] as const;
const listPending = ({ tooling: { source } }: Accounts, why: string): readonly DoctorFinding[] => [
  ...installationParts.map((what): DoctorFinding => ({ status: "pending", sentence: `${what}: ${why}.` })),
  ...(source.host === "github" && source.reports
    ? [
        {
          status: "pending" as const,
          sentence: `Whether the ${source.reports.as} may create deployments and commit statuses in ${source.repository}: ${why}.`,
        },
      ]
    : []),
];

const runAll = async (checks: readonly DoctorCheck[]): Promise<readonly DoctorFinding[]> => {
  const findings: DoctorFinding[] = [];
  for (const check of checks) {
    const finding = await check();
    if (finding) findings.push(finding);
  }
  return findings;
};

/** Checks the profile's account before the first apply, by the configuration alone. */
const runChecksBeforeApply = async (
  { accounts, findings }: Configuration,
  needs: DoctorNeeds,
): Promise<readonly DoctorFinding[]> => {
  if (accounts === undefined) return findings;
  const installation = describeConfig(accounts);
  const rules = await readRules(installation, needs);
  return [
    ...findings,
    ...(await runAll([
      reportCheckError("the tooling account", () =>
        checkAccount(new STSClient({}), { ACCOUNTS: installation.accounts }),
      ),
      ...listAccountChecks(installation, rules, needs),
    ])),
    ...listPending(accounts, "not applied yet"),
  ];
};

/** What a checkout says by itself: its configuration, and who may approve by its policy and manifests. */
const runChecksWithoutAws = async (
  { accounts, findings }: Configuration,
  { checkout }: DoctorNeeds,
): Promise<readonly DoctorFinding[]> => {
  const rules = await readRepositoryRules(await openFolderFiles(checkout));
  return [
    ...findings,
    ...(await runAll([
      ...[...rules.approvers].map(
        ([user, files]) =>
          () =>
            checkApprover(undefined, { user, files }),
      ),
      async () => checkMemory(rules),
    ])),
    ...(accounts === undefined ? [] : listPending(accounts, "not checked without credentials")),
  ];
};

/** A configuration of other accounts says nothing about this installation. */
const selectConfiguration = (
  { accounts, findings }: Configuration,
  outputs: AwsOutputs,
): { readonly config: Accounts | undefined; readonly findings: readonly DoctorFinding[] } =>
  accounts !== undefined && accounts.tooling.account === outputs.ACCOUNTS.tooling
    ? {
        config: accounts,
        // What was pending before the apply is missing after it.
        findings: findings.map((finding) =>
          finding.status === "pending"
            ? {
                ...finding,
                status: "missing",
                remedy: "Put an image into the repository, and apply the stack `delivery` again.",
              }
            : finding,
        ),
      }
    : {
        config: undefined,
        findings: [
          {
            status: "warning",
            sentence: `terraform/config.ts of this checkout is not of the installation in account ${outputs.ACCOUNTS.tooling}: zones, base image and costs are not checked.`,
            remedy: "Run the doctor in the checkout from which Terraform is applied.",
          },
        ],
      };

/**
 * Checks an AWS installation and changes nothing (except for `post`). Before the first apply it checks what the
 * configuration says, and names the rest as not applied yet. Without credentials no other check can run.
 */
export const runChecks = async (needs: DoctorNeeds): Promise<readonly DoctorFinding[]> => {
  const credentials = await checkCredentials(new STSClient({}));
  const configuration = await needs.configuration();
  if (credentials.status !== "ok") return [credentials, ...(await runChecksWithoutAws(configuration, needs))];
  let outputs: AwsOutputs;
  try {
    outputs = await needs.outputs();
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    const remedy =
      error instanceof OutputsMissing
        ? `Apply the stack \`delivery\` (docs/infrastructure.md). Before the first time: ${explainImageDigest("buildImage", "arm64")} ${explainImageDigest("baseImage", "arm64")}`
        : "Check that you may read the parameter /slipway/outputs, in the tooling account and its region.";
    const finding: DoctorFinding = { status: "missing", sentence: message, remedy };
    return error instanceof OutputsMissing && !error.applied
      ? [credentials, finding, ...(await runChecksBeforeApply(configuration, needs))]
      : [credentials, finding];
  }
  const { config, findings } = selectConfiguration(configuration, outputs);
  const installation = describeOutputs(outputs, config);
  const rules = await readRules(installation, needs);
  return [
    credentials,
    ...findings,
    ...(await runAll([
      ...listInstallationChecks(outputs, needs),
      ...listAccountChecks(installation, rules, needs),
    ])),
  ];
};
