import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import type { Service } from "#inference/service.ts";
import { readChurnFiles, readChurnManifest } from "./churn-folder.ts";
import { createTestService } from "./create-test-service.ts";

/** The inference service of the committed churn model; `changes` replaces parts of the model. */
export const createChurnService = async (changes: Partial<LoadedModel> = {}): Promise<Service> => {
  const model = await loadModel({
    manifest: readChurnManifest(),
    model: { bytes: readChurnFiles().get("model.onnx") ?? new Uint8Array() },
  });
  return createTestService({ ...model, ...changes });
};
