import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createCloudWatchMetrics } from "#platform/metrics/cloudwatch.ts";
import { namespace } from "#platform/metrics/format-emf.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { assumeRole } from "#platform/serving/assume-role.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { countVerdicts } from "#worlds/aws/count-verdicts.ts";
import { emitMetricLine } from "#worlds/aws/emit-metric-line.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { judgeCanary } from "./judge-canary.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = createSource(env, secrets);
const policy = createPlatformPolicy({ store });
const sts = new STSClient({});
const messages = createSlackMessages({ env, secrets, store, clock });
const prod = { roleArn: env.PROD_ROLE_ARN, externalId: env.PROD_EXTERNAL_ID };

export const handler = createStepHandler(
  "judge-canary",
  (event: unknown) => {
    const session = Subject.parse(event).delivery;
    // The canary's metrics lie in the account that it runs in.
    const client = new CloudWatchClient({ credentials: assumeRole({ sts, ...prod, session, clock }) });
    const metrics = createCloudWatchMetrics({ client, namespace, emit: emitMetricLine, clock });
    return judgeCanary({ metrics, source, policy, ledger: createLedger({ store }), messages, clock })(event);
  },
  { environment: "prod", counted: countVerdicts("CanaryVerdicts", env) },
);
