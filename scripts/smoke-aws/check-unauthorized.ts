import { LambdaClient, paginateListFunctions } from "@aws-sdk/client-lambda";
import { type Environment, environments } from "#platform/serving/serving.ts";
import { openRole } from "./open-role.ts";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

/** A model that an environment serves; undefined if there is none. */
const findModel = async (needs: SmokeNeeds, environment: Environment): Promise<string | undefined> => {
  const client = new LambdaClient({ credentials: openRole(needs, environment) });
  const prefix = `slipway-${environment}-`;
  for await (const { Functions = [] } of paginateListFunctions({ client }, {}))
    for (const { FunctionName = "" } of Functions)
      if (FunctionName.startsWith(prefix)) return FunctionName.slice(prefix.length);
  return undefined;
};

/** A request without a valid key must get 401, and nothing else. */
export const checkUnauthorized = (needs: SmokeNeeds): SmokeCheck => ({
  behaviour: "an authorizer that throws `Unauthorized` gives callers 401",
  expected: "401 for a wrong key, in stage or prod",
  aboutAws: true,
  run: async () => {
    const urls = { stage: needs.outputs.STAGE_HTTP_API_URL, prod: needs.outputs.PROD_HTTP_API_URL };
    for (const environment of environments) {
      const model = await findModel(needs, environment);
      if (model === undefined) continue;
      const { status } = await needs.fetch(`${urls[environment]}/models/${model}/v1/model`, {
        headers: { "x-api-key": "slw_smoke" },
        signal: AbortSignal.timeout(15_000),
      });
      return { status: status === 401 ? "pass" : "fail", actual: `${status} from ${environment}` };
    }
    return { status: "not checked", actual: "no model is served yet: deliver one, and run this again" };
  },
});
