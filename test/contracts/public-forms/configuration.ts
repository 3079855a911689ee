import type * as z from "zod";
import { toJSONSchema } from "zod";
import { PlatformRules } from "#domain/policy/parse-policy.ts";
import { Policy } from "#domain/policy/policy.ts";
import { Env as answerApproval } from "#lambdas/answer-approval/env.ts";
import { Env as authorizeKey } from "#lambdas/authorize-key/env.ts";
import { Env as claimEnvironment } from "#lambdas/claim-environment/env.ts";
import { Env as deployModel } from "#lambdas/deploy-model/env.ts";
import { Env as judgeCanary } from "#lambdas/judge-canary/env.ts";
import { Env as moveChampion } from "#lambdas/move-champion/env.ts";
import { Env as notify } from "#lambdas/notify/env.ts";
import { Env as predict } from "#lambdas/predict/env.ts";
import { Env as promoteModel } from "#lambdas/promote-model/env.ts";
import { Env as registerModel } from "#lambdas/register-model/env.ts";
import { Env as reportOutcome } from "#lambdas/report-outcome/env.ts";
import { Env as reportSource } from "#lambdas/report-source/env.ts";
import { Env as requestApproval } from "#lambdas/request-approval/env.ts";
import { Env as rollBack } from "#lambdas/roll-back/env.ts";
import { Env as scanImage } from "#lambdas/scan-image/env.ts";
import { Env as shiftTraffic } from "#lambdas/shift-traffic/env.ts";
import { Env as showConsole } from "#lambdas/show-console/env.ts";
import { Env as startDelivery } from "#lambdas/start-delivery/env.ts";
import { Env as sweepDeliveries } from "#lambdas/sweep-deliveries/env.ts";
import { Env as verifyModel } from "#lambdas/verify-model/env.ts";
import { Env as watchModels } from "#lambdas/watch-models/env.ts";
import { createManifestJsonSchema } from "#model-folder/manifest/manifest-json-schema.ts";
import { formatEmf } from "#platform/metrics/format-emf.ts";
import { metricNames } from "#platform/metrics/metrics.ts";
import { nameResources } from "#terraform/resource-names.ts";
import { AwsOutputs, outputsParameter } from "#worlds/aws/environment/aws-outputs.ts";
import { withoutTexts } from "./events.ts";
import type { Traces } from "./play-deliveries.ts";

const environments = {
  "answer-approval": answerApproval,
  "authorize-key": authorizeKey,
  "claim-environment": claimEnvironment,
  "deploy-model": deployModel,
  "judge-canary": judgeCanary,
  "move-champion": moveChampion,
  notify,
  predict,
  "promote-model": promoteModel,
  "register-model": registerModel,
  "report-outcome": reportOutcome,
  "report-source": reportSource,
  "request-approval": requestApproval,
  "roll-back": rollBack,
  "scan-image": scanImage,
  "shift-traffic": shiftTraffic,
  "show-console": showConsole,
  "start-delivery": startDelivery,
  "sweep-deliveries": sweepDeliveries,
  "verify-model": verifyModel,
  "watch-models": watchModels,
};

/** Variables by name: required, or optional with the default. */
const variables = ({ shape }: z.ZodObject) =>
  Object.fromEntries(
    Object.entries(shape).map(([name, variable]) => {
      const absent = (variable as z.ZodType).safeParse(undefined);
      if (!absent.success) return [name, "required"];
      // Its path differs between machines.
      const value = name === "MODEL_DIRECTORY" ? "a folder beside the code" : absent.data;
      return [name, value === undefined ? "optional" : `optional, ${String(value)}`];
    }),
  );

/** The metrics of deliveries that the steps counted. */
const countedMetrics = ({ totals }: Traces) =>
  Object.fromEntries(
    [...Map.groupBy(totals, ({ name }) => String(name))].map(([name, rows]) => {
      const dimensions = rows.map((row) =>
        (JSON.parse(String(row.dimensions)) as [string, string][]).map(([dimension]) => dimension).join(", "),
      );
      return [name, { unit: String(rows[0]?.unit), dimensions: [...new Set(dimensions)] }];
    }),
  );

const account = (digit: string) => ({ account: digit.repeat(12), region: "eu-central-1" });

/** Names of the resources on AWS in three example accounts. */
const resourceNames = (): readonly string[] => {
  const accounts = { tooling: account("1"), stage: account("2"), prod: account("3") };
  const all = nameResources(accounts as Parameters<typeof nameResources>[0]);
  const computed = [
    all.functionName("deploy-model"),
    all.functionArn("deploy-model"),
    all.functionRoleArn("deploy-model"),
    all.callerRole("prod", "deploy-model"),
    all.callerRoleArn("prod", "deploy-model"),
    all.inferenceRole("prod"),
    all.inferenceRoleArn("prod"),
    all.recordsHashKey("prod"),
    all.recordsTable("prod"),
    all.recordsBucket("prod"),
  ];
  const fixed = Object.values(all).filter((name) => typeof name === "string");
  return [...new Set([...fixed, ...computed])].sort();
};

/** Names that others set or read: environment variables, outputs, metrics, resources, and fields of committed files. */
export const configurationForms = (traces: Traces) => ({
  "environment-variables": {
    functions: Object.fromEntries(Object.entries(environments).map(([name, Env]) => [name, variables(Env)])),
    outputs: variables(AwsOutputs),
    "parameter of the outputs": outputsParameter,
  },
  metrics: {
    names: Object.fromEntries(
      Object.values(metricNames).map(({ namespace, ...metrics }) => [
        namespace,
        Object.values(metrics).sort(),
      ]),
    ),
    counted: countedMetrics(traces),
    "a request's line": JSON.parse(
      formatEmf({
        environment: "prod",
        model: "churn",
        version: "7",
        at: 1_795_262_400_000,
        latencyMs: 5,
        failed: false,
        labels: new Map([["stay", 2]]),
        scores: [0.25, -0.5],
        recordFailed: false,
      }),
    ),
  },
  "resource-names": resourceNames(),
  "committed-files": {
    "model.yaml": withoutTexts(createManifestJsonSchema()),
    "policy.yaml": withoutTexts(toJSONSchema(Policy, { io: "input", unrepresentable: "any" })),
    "the platform's copy": withoutTexts(toJSONSchema(PlatformRules, { io: "input", unrepresentable: "any" })),
  },
});
