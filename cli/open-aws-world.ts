import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { findRejection } from "#domain/approval/find-rejection.ts";
import { createGroupReader } from "#domain/approval/group-reader.ts";
import { createPushLog } from "#domain/approval/push-log.ts";
import { createAuditRecorder } from "#domain/audit/audit-recorder.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { createFreezes } from "#domain/changes/freezes.ts";
import { createHolds } from "#domain/changes/holds.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { createAwsAuditReader } from "#worlds/aws/audit-reader.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { createDeliveries } from "#worlds/aws/deliveries.ts";
import { createDeliveryPage } from "#worlds/aws/delivery-page.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createServing } from "#worlds/aws/serving.ts";
import { createSlack } from "#worlds/aws/slack.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createSource } from "#worlds/aws/source.ts";
import { readMachineAccount } from "#worlds/embedded/operator/machine-identity.ts";
import type { CommandContext } from "./command-world.ts";
import { identifyAwsApprover } from "./identify-aws-approver.ts";
import { identifyAwsCaller } from "./identify-aws-caller.ts";
import { nameAwsPerson } from "./name-aws-person.ts";
import type { WorldOptions } from "./options.ts";
import { printError } from "./print.ts";
import { readAwsOutputs } from "./read-aws-outputs.ts";
import { useConfiguredRegion } from "./use-configured-region.ts";
import { useProfile } from "./use-profile.ts";

const printWarning = (sentence: string, error: unknown): void =>
  printError(`${sentence}: ${error instanceof Error ? error.message : String(error)}`);

/**
 * Runs `work` on AWS with the rights of the caller's profile: the same implementations as the steps use, with the
 * operators' roles of stage and prod. The caller's name is in their CloudTrail.
 */
export const withAwsWorld = async <T>(
  options: WorldOptions,
  work: (context: CommandContext) => Promise<T>,
): Promise<T> => {
  useProfile(options.profile);
  await useConfiguredRegion();
  const env = await readAwsOutputs(options.outputs);
  const [, , , region = ""] = env.STATE_MACHINE_ARN.split(":");
  // All AWS clients below read it.
  process.env.AWS_REGION = region;
  const capabilities = openCapabilities(env);
  const { clock } = capabilities;
  const sts = new STSClient({});
  const account = readMachineAccount().username;
  const serving = createServing({ env, sts, clock })(`slipway-${account}`);
  const slack = createSlack(capabilities);
  const registry = createRegistry({ env, clock, credentials: sts.config.credentials });
  const provenance = createAwsProvenanceStore(capabilities);
  const policy = createPlatformPolicy(capabilities);
  const urls = { stage: env.STAGE_HTTP_API_URL, prod: env.PROD_HTTP_API_URL };
  return work({
    world: {
      source: createSource(capabilities),
      pushes: createPushLog(capabilities),
      deliveries: createDeliveries(capabilities),
      serving,
      registry,
      claims: createClaims(capabilities),
      freezes: createFreezes(capabilities),
      holds: createHolds(capabilities),
      canaries: createCanaries(capabilities),
      readGroups: createGroupReader({ slack, clock }),
      ledger: createLedger(capabilities),
      provenance,
      outcomes: createOutcomes(capabilities),
      approvals: createAwsApprovals(capabilities),
      findRejection: findRejection(capabilities),
      audit: {
        ...createAuditRecorder({
          ...capabilities,
          anchors: { put: async () => undefined },
          warn: printWarning,
        }),
        // Only functions may write to the bucket: the sweep anchors what a command recorded.
        anchor: async () => true,
        // An operator may freeze, but not write trails: the sweep records it.
        recordFreezes: async () => undefined,
      },
      auditReader: createAwsAuditReader({ ...capabilities, registry, provenance }),
      messages: createSlackMessages({ ...capabilities, warn: printWarning }),
      policy,
      policyChanges: createPolicyWriter(capabilities),
      clock,
      warn: printWarning,
      // CloudWatch reads metrics only from a function's log; a command's effects are in the ledger.
      metrics: { count: () => undefined },
      slack,
    },
    running: true,
    where: `Deliveries run in account ${env.ACCOUNTS.tooling}, ${region}.`,
    repository: env.SOURCE_REPOSITORY,
    head: env.SOURCE_BRANCH,
    runtime: async () => env.RUNTIME_DIGEST,
    deliveryUrl: createDeliveryPage(env),
    modelUrl: (environment, model) => `${urls[environment]}/models/${model}`,
    // Not through the HTTP API, because the operator has no application's key; the operator's role may invoke.
    predict: async (model, rows) => {
      const { payload } = await serving.prod.invoke(model, "live", { rows: [...rows] });
      const ok = typeof payload === "object" && payload !== null && "predictions" in payload;
      return { ok, body: payload };
    },
    slackConnection: {
      isDesk: false,
      secrets: capabilities.secrets,
      apiUrl: env.SLACK_API_URL,
      teamId: env.SLACK_TEAM_ID,
      appId: env.SLACK_APP_ID,
      channel: env.SLACK_CHANNEL,
      callbackUrl: env.SLACK_CALLBACK_URL,
    },
    caller: async () => {
      const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
      if (Arn === undefined)
        throw new Error("AWS returned no identity for you: check with `aws sts get-caller-identity`.");
      return Arn;
    },
    voter: identifyAwsApprover({ sts, slack, policy }),
    person: nameAwsPerson({ sts, account, warn: printWarning }),
    operator: identifyAwsCaller({ sts }),
  });
};
