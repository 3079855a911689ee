import { userInfo } from "node:os";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { createPushLog } from "#domain/approval/push-log.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import { createStepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createSlackClient } from "#slack/slack-client.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { createExecutionUrl } from "#worlds/aws/execution-url.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createServing } from "#worlds/aws/serving.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createSource } from "#worlds/aws/source.ts";
import { readAwsOperator } from "./aws-operator.ts";
import { readAwsVoter } from "./aws-voter.ts";
import type { CommandContext } from "./command-world.ts";
import type { WorldOptions } from "./options.ts";
import { printError } from "./print.ts";
import { readAwsOutputs } from "./read-aws-outputs.ts";
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
  const env = await readAwsOutputs(options.outputs);
  const [, , , region = ""] = env.STATE_MACHINE_ARN.split(":");
  // All AWS clients below read it.
  process.env.AWS_REGION = region;
  const clock = Date.now;
  const sts = new STSClient({});
  const secrets = cacheSecrets(
    createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
    clock,
  );
  const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
  const stateMachineArn = env.STATE_MACHINE_ARN;
  const deliveries = createStepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
  const serving = createServing({ env, sts, session: `slipway-${userInfo().username}`, clock });
  const slack = createSlackClient({ secrets, apiUrl: env.SLACK_API_URL });
  const policy = createPlatformPolicy({ store });
  const urls = { stage: env.STAGE_HTTP_API_URL, prod: env.PROD_HTTP_API_URL };
  return work({
    world: {
      source: createSource(env, secrets),
      pushes: createPushLog({ store, clock }),
      deliveries,
      serving,
      registry: createRegistry(env, clock, undefined, sts.config.credentials),
      claims: createClaims({ store }),
      ledger: createLedger({ store }),
      provenance: createAwsProvenanceStore(env),
      outcomes: createOutcomes({ store }),
      approvals: createAwsApprovals({ env, store, deliveries }),
      messages: createSlackMessages({ env, secrets, store, clock, warn: printWarning }),
      policy,
      policyChanges: createPolicyWriter({ store, clock }),
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
    runtime: env.RUNTIME_DIGEST,
    deliveryUrl: createExecutionUrl(stateMachineArn),
    modelUrl: (environment, model) => `${urls[environment]}/models/${model}`,
    // Not through the HTTP API, because the operator has no application's key; the operator's role may invoke.
    predict: async (model, rows) => {
      const { payload } = await serving.prod.invoke(model, "live", { rows: [...rows] });
      const ok = typeof payload === "object" && payload !== null && "predictions" in payload;
      return { ok, body: payload };
    },
    caller: async () => {
      const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
      if (Arn === undefined)
        throw new Error("AWS returned no identity for you: check with `aws sts get-caller-identity`.");
      return Arn;
    },
    voter: readAwsVoter({ sts, slack, policy }),
    operator: readAwsOperator({ sts }),
  });
};
