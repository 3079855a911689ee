import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import type { Service } from "#inference/service.ts";
import { churnFiles, churnManifest } from "./churn-folder.ts";
import { serviceOf } from "./service-of.ts";

/** The inference service of the committed churn model; `changes` replaces parts of the model. */
export const churnService = async (changes: Partial<LoadedModel> = {}): Promise<Service> => {
  const model = await loadModel({
    manifest: churnManifest(),
    model: { bytes: churnFiles().get("model.onnx") ?? new Uint8Array() },
  });
  return serviceOf({ ...model, ...changes });
};
