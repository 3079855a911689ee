import type { LoadedModel } from "#inference/model/load-model.ts";
import { createService, type Service } from "#inference/service.ts";

/** The inference service of a model, as version 3 in prod, with ids that count. `log` gets the reason of an internal error. */
export const createTestService = (model: LoadedModel, log: (line: string) => void = () => {}): Service => {
  let ids = 0;
  return createService({
    model,
    identity: {
      model: model.manifest.name,
      version: 3,
      digest: `sha256:${"a".repeat(64)}`,
      environment: "prod",
      functionVersion: "7",
    },
    now: () => Date.UTC(2026, 10, 21),
    tick: Date.now,
    newId: () => `id-${++ids}`,
    report: () => {},
    log,
  });
};
