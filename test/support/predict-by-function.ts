import type { LoadedModel } from "#inference/model/load-model.ts";
import { PredictResponse } from "#inference/native/predict-response.ts";
import { predict } from "#lambdas/predict/predict.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";

/** What the inference function returns for these rows, in the form that applications get. */
export const predictByFunction = async (
  model: LoadedModel,
  rows: readonly unknown[],
): Promise<readonly Prediction[]> => {
  const answered = await predict({
    model,
    identity: {
      model: model.manifest.name,
      version: 1,
      digest: "",
      environment: "prod",
      functionVersion: "1",
    },
    now: () => 0,
    tick: () => 0,
    newId: () => "id",
    report: () => {},
    log: () => {},
  })({ rows });
  return PredictResponse.parse(answered).predictions;
};
