import { userInfo } from "node:os";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { pushes } from "#domain/approval/pushes.ts";
import { claims } from "#domain/claims/claims.ts";
import { outcomes } from "#domain/delivery/outcomes.ts";
import { ledger } from "#domain/ledger/ledger.ts";
import { changePolicy } from "#domain/policy/change-policy.ts";
import { platformPolicy } from "#domain/policy/platform-policy.ts";
import { stepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { slackClient } from "#slack/slack-client.ts";
import { executionPage } from "#worlds/aws/execution-page.ts";
import { provenanceOf } from "#worlds/aws/provenance-of.ts";
import { registryOf } from "#worlds/aws/registry-of.ts";
import { servingOf } from "#worlds/aws/serving-of.ts";
import { slackMessages } from "#worlds/aws/slack-messages.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { taskApprovals } from "#worlds/aws/task-approvals.ts";
import { awsOperator } from "./aws-operator.ts";
import { awsVoter } from "./aws-voter.ts";
import type { Opened } from "./command-world.ts";
import type { WorldOptions } from "./options.ts";
import { printError } from "./print.ts";
import { readOutputs } from "./read-outputs.ts";
import { useProfile } from "./use-profile.ts";

const told = (sentence: string, fault: unknown): void =>
  printError(`${sentence}: ${fault instanceof Error ? fault.message : String(fault)}`);

/**
 * Runs `work` on AWS, as the person whose profile it is: the same implementations as the steps', under the operator's
 * roles of stage and prod. Her name stands in their CloudTrail.
 */
export const withAwsWorld = async <T>(
  options: WorldOptions,
  work: (opened: Opened) => Promise<T>,
): Promise<T> => {
  useProfile(options.profile);
  const env = await readOutputs(options.outputs);
  const [, , , region = ""] = env.STATE_MACHINE_ARN.split(":");
  // The clients below, and those that they make, find it there.
  process.env.AWS_REGION = region;
  const clock = Date.now;
  const sts = new STSClient({});
  const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
  const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
  const stateMachineArn = env.STATE_MACHINE_ARN;
  const deliveries = stepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
  const serving = servingOf({ env, sts, session: `slipway-${userInfo().username}`, clock });
  const slack = slackClient({ secrets, apiUrl: env.SLACK_API_URL });
  const policy = platformPolicy({ store });
  const urls = { stage: env.STAGE_HTTP_API_URL, prod: env.PROD_HTTP_API_URL };
  return work({
    world: {
      source: sourceOf(env, secrets),
      pushes: pushes({ store, clock }),
      deliveries,
      serving,
      registry: registryOf(env, clock, undefined, sts.config.credentials),
      claims: claims({ store }),
      ledger: ledger({ store }),
      provenance: provenanceOf(env),
      outcomes: outcomes({ store }),
      approvals: taskApprovals({ env, store, deliveries }),
      messages: slackMessages({ env, secrets, store, clock, warn: told }),
      policy,
      policyChanges: changePolicy({ store, clock }),
      clock,
      warn: told,
      // Lines of metrics become metrics only in a function's log; answers of the command are in the ledger.
      metrics: { count: () => undefined },
      slack,
    },
    running: true,
    where: `Deliveries run in account ${env.ACCOUNTS.tooling}, ${region}.`,
    repository: env.SOURCE_REPOSITORY,
    head: env.SOURCE_BRANCH,
    runtime: env.RUNTIME_DIGEST,
    pageOf: executionPage(stateMachineArn),
    urlOf: (environment, model) => `${urls[environment]}/models/${model}`,
    // Past the HTTP API, whose keys are its applications': the operator's role may invoke.
    ask: async (model, rows) => {
      const { payload } = await serving.prod.invoke(model, "live", { rows: [...rows] });
      const answered = typeof payload === "object" && payload !== null && "predictions" in payload;
      return { ok: answered, body: payload };
    },
    caller: async () => {
      const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
      if (Arn === undefined)
        throw new Error("AWS did not say who you are: run `aws sts get-caller-identity`.");
      return Arn;
    },
    voter: awsVoter({ sts, slack, policy }),
    operator: awsOperator({ sts }),
  });
};
