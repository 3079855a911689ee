import { type LoadedModel, loadModel } from "../../inference/load-model.ts";
import { createService, type Service } from "../../inference/service.ts";
import { churnFiles, churnManifest } from "./churn-folder.ts";

/** The inference service of the committed churn model; `changes` replaces parts of the model. */
export const churnService = async (changes: Partial<LoadedModel> = {}): Promise<Service> => {
  const model = await loadModel({
    manifest: churnManifest(),
    model: { bytes: churnFiles().get("model.onnx") ?? new Uint8Array() },
  });
  let ids = 0;
  return createService({
    model: { ...model, ...changes },
    identity: {
      model: "churn",
      version: 3,
      digest: `sha256:${"a".repeat(64)}`,
      environment: "prod",
      functionVersion: "7",
    },
    now: () => Date.UTC(2026, 10, 21),
    tick: () => performance.now(),
    newId: () => `id-${++ids}`,
    report: () => {},
    log: () => {},
  });
};
