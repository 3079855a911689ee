import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { STSClient } from "@aws-sdk/client-sts";
import { createCloudWatchMetrics } from "#platform/metrics/cloudwatch.ts";
import { namespace } from "#platform/metrics/format-emf.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { assumeRole } from "#platform/serving/assume-role.ts";
import { emitMetricLine } from "./emit-metric-line.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs = { readonly env: GroupVariables<"prodRole">; readonly clock: () => number };

/** What the inference functions measured in prod's account, read with its role; for `session` see createServing. */
export const createProdMetrics = ({ env, clock }: Needs): ((session: string) => Metrics) => {
  const sts = new STSClient({});
  const role = { roleArn: env.PROD_ROLE_ARN, externalId: env.PROD_EXTERNAL_ID };
  return (session) => {
    const client = new CloudWatchClient({ credentials: assumeRole({ sts, ...role, session, clock }) });
    return createCloudWatchMetrics({ client, namespace, emit: emitMetricLine, clock });
  };
};
