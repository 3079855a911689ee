import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { createEnvironmentSecrets } from "#platform/secrets/environment.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { type Environment, environments } from "#platform/serving/serving.ts";
import type { Accounts } from "#terraform/read-config.ts";
import { createSource } from "#worlds/aws/source.ts";
import type { SlackNeeds } from "./call-slack.ts";
import { checkApprover } from "./check-approver.ts";
import { checkBuildConcurrency } from "./check-build-concurrency.ts";
import { checkConcurrency } from "./check-concurrency.ts";
import { checkHttpApiSize } from "./check-http-api-size.ts";
import { checkImageExists } from "./check-image-exists.ts";
import { checkMemory } from "./check-memory.ts";
import { checkSlackChannel } from "./check-slack-channel.ts";
import { checkSlackScopes } from "./check-slack-scopes.ts";
import { checkTrial } from "./check-trial.ts";
import { checkZones } from "./check-zones.ts";
import { createAwsRequest } from "./create-aws-request.ts";
import type { DoctorNeeds } from "./doctor-needs.ts";
import { explainImageDigest } from "./explain-image-digest.ts";
import type { DoctorCheck, DoctorFinding } from "./finding.ts";
import type { Installation } from "./installation.ts";
import { listIdleParts } from "./list-idle-parts.ts";
import { openEnvironment } from "./open-environment.ts";
import { postSlackTest } from "./post-slack-test.ts";
import {
  openFolderFiles,
  openSourceFiles,
  type RepositoryRules,
  readRepositoryRules,
} from "./read-repository-rules.ts";
import { reportCheckError } from "./report-check-error.ts";

/** Before the secret is in SSM, the token may be in the environment: a person checks Slack before the first apply. */
const openSlack = ({ outputs }: Installation, { fetch }: DoctorNeeds): SlackNeeds | undefined => {
  if (outputs !== undefined)
    return {
      fetch,
      apiUrl: outputs.SLACK_API_URL,
      secrets: createSsmSecrets({ client: new SSMClient({}), prefix: outputs.SECRETS_PREFIX }),
    };
  return process.env.SLACK_BOT_TOKEN === undefined
    ? undefined
    : { fetch, secrets: createEnvironmentSecrets({ env: process.env }) };
};

/** Undefined: the source is not readable, which check-source.ts reports. */
export const readRules = async (
  { outputs }: Installation,
  needs: DoctorNeeds,
): Promise<RepositoryRules | undefined> => {
  if (outputs === undefined) return readRepositoryRules(await openFolderFiles(needs.checkout));
  const secrets = createSsmSecrets({ client: new SSMClient({}), prefix: outputs.SECRETS_PREFIX });
  try {
    const source = createSource({ env: outputs, secrets });
    const files = await openSourceFiles(source, outputs.SOURCE_REPOSITORY, outputs.SOURCE_BRANCH);
    return await readRepositoryRules(files);
  } catch {
    return undefined;
  }
};

const listImageChecks = (
  { tooling: { images, registry } }: Accounts,
  needs: DoctorNeeds,
): readonly DoctorCheck[] => [
  ...(["baseImage", "buildImage"] as const).flatMap((setting) =>
    // findUnsetDigests reports zeros.
    /0{64}$/.test(images[setting])
      ? []
      : [
          () =>
            checkImageExists(needs, {
              setting: `images.${setting}`,
              image: images[setting],
              remedy: explainImageDigest(setting, images.architecture),
            }),
        ],
  ),
  ...(registry.kind === "own"
    ? [
        () =>
          checkImageExists(needs, {
            setting: "registry.image",
            image: registry.image,
            remedy:
              "Write an MLflow image with drivers for PostgreSQL and S3 to registry.image in terraform/config.ts (docs/infrastructure.md, The registry's image).",
          }),
      ]
    : []),
];

/** The checks of what Terraform does not create: accounts and their quotas, zones, public images, Slack, approvers, costs. */
export const listAccountChecks = (
  installation: Installation,
  rules: RepositoryRules | undefined,
  needs: DoctorNeeds,
): readonly DoctorCheck[] => {
  const { outputs, config, accounts, region, architecture, channel } = installation;
  const sts = new STSClient({});
  const { credentials } = sts.config;
  const request = createAwsRequest({
    fetch: needs.fetch,
    region,
    credentials,
    clock: Date.now,
    endpoint: process.env.AWS_ENDPOINT_URL,
  });
  const access = (environment: Environment) =>
    openEnvironment({ sts, outputs, accounts, profiles: needs.profiles ?? {} }, environment);
  const slack = openSlack(installation, needs);
  const hasConsole = outputs?.CONSOLE_URL !== undefined || config?.tooling.console !== undefined;
  const models = rules?.models.map(({ name }) => name) ?? [];
  return [
    async () => checkTrial(accounts),
    ...environments.map((environment) =>
      reportCheckError(
        `the quota of ${environment}`,
        async () => {
          const opened = await access(environment);
          return opened === undefined && outputs === undefined
            ? {
                status: "pending",
                sentence: `How many functions ${environment} may run at once: not applied yet; with --${environment}-profile <name> it is read now.`,
              }
            : checkConcurrency(opened, environment);
        },
        "lambda:GetAccountSettings",
      ),
    ),
    ...environments.map((environment) =>
      reportCheckError(
        `the routes of ${environment}`,
        async () => rules && checkHttpApiSize(await access(environment), environment, { outputs, models }),
        "apigateway:GET",
      ),
    ),
    async () => rules && checkMemory(rules),
    reportQuotaError(
      "the quota of CodeBuild",
      () => checkBuildConcurrency(request, architecture),
      "servicequotas:GetServiceQuota",
    ),
    ...(config?.tooling.registry.kind === "own"
      ? [
          reportCheckError(
            "the zones",
            checkConfiguredZones(config.tooling.registry.zones),
            "ec2:DescribeAvailabilityZones",
          ),
        ]
      : []),
    ...(config === undefined ? [] : listImageChecks(config, needs)),
    ...(slack === undefined
      ? [
          async (): Promise<DoctorFinding> => ({
            status: "pending",
            sentence:
              "Slack's scopes, the channel and the approvers' accounts: not applied yet; with the variable SLACK_BOT_TOKEN they are checked now.",
          }),
        ]
      : [
          reportCheckError("Slack's scopes", () => checkSlackScopes(slack, hasConsole)),
          reportCheckError("Slack's channel", () => checkSlackChannel(slack, channel)),
          ...(needs.post ? [reportCheckError("Slack's channel", () => postSlackTest(slack, channel))] : []),
        ]),
    ...[...(rules?.approvers ?? [])].map(([user, files]) =>
      reportCheckError(`the approver ${user}`, () => checkApprover(slack, { user, files })),
    ),
    ...(rules?.problems ?? []).map(
      (sentence) => async (): Promise<DoctorFinding> => ({
        status: "warning",
        sentence: `${sentence}.`.replace(/\.\.$/, "."),
        remedy: "Correct the file: `slipway check models/<name>` explains every mistake with its line.",
      }),
    ),
    ...(config === undefined ? [] : [async () => listIdleParts(config)]),
  ];

  function checkConfiguredZones(zones: readonly string[]) {
    return () => checkZones(request, { region, zones });
  }
};

/** A quota that cannot be read may be large enough. */
const reportQuotaError =
  (what: string, check: DoctorCheck, permission: string): DoctorCheck =>
  async () => {
    const finding = await reportCheckError(what, check, permission)();
    return finding?.status === "missing" && finding.sentence.startsWith("The check of")
      ? { ...finding, status: "warning" }
      : finding;
  };
