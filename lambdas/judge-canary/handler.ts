import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { ledger } from "#domain/ledger/ledger.ts";
import { platformPolicy } from "#domain/policy/platform-policy.ts";
import { cloudwatchMetrics } from "#platform/metrics/cloudwatch.ts";
import { namespace } from "#platform/metrics/emf.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { assumeRole } from "#platform/serving/assume-role.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { countVerdicts } from "#worlds/aws/count-verdicts.ts";
import { emitLine } from "#worlds/aws/emit-line.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { slackMessages } from "#worlds/aws/slack-messages.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { judgeCanary } from "./judge-canary.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = sourceOf(env, secrets);
const policy = platformPolicy({ store });
const sts = new STSClient({});
const messages = slackMessages({ env, secrets, store, clock });
const prod = { roleArn: env.PROD_ROLE_ARN, externalId: env.PROD_EXTERNAL_ID };

export const handler = stepHandler(
  "judge-canary",
  (event: unknown) => {
    const session = Subject.parse(event).delivery;
    // The canary's metrics lie in the account that it runs in.
    const client = new CloudWatchClient({ credentials: assumeRole({ sts, ...prod, session, clock }) });
    const metrics = cloudwatchMetrics({ client, namespace, emit: emitLine, clock });
    return judgeCanary({ metrics, source, policy, ledger: ledger({ store }), messages, clock })(event);
  },
  { environment: "prod", counted: countVerdicts("CanaryVerdicts", env) },
);
