import type { ModelIdentity } from "#inference/run-prediction.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { createRecorder } from "./recorder.ts";
import type { PredictionReader, RecordStorage, Records } from "./records.ts";

type Needs = {
  readonly identity: Pick<ModelIdentity, "environment" | "model">;
  readonly manifest: Pick<Manifest, "records">;
  readonly hashKey: (() => Promise<Uint8Array>) | undefined;
  readonly clock: () => number;
  readonly log: (line: string) => void;
};

/** Loaded when a record is first asked for: predictions do not wait for it. */
const createLazyReader = (open: () => Promise<PredictionReader>): PredictionReader => {
  let opened: Promise<PredictionReader> | undefined;
  const reader = () => {
    opened ??= open();
    return opened;
  };
  return {
    prediction: async (id) => (await reader()).prediction(id),
    list: async (query) => (await reader()).list(query),
  };
};

/** The records of this function's model in that place; none where there is no place for them. */
export const createRecords =
  ({ identity: { environment, model }, manifest, hashKey, clock, log }: Needs) =>
  (place: RecordStorage | undefined): Records | undefined =>
    place && {
      recorder: createRecorder({ ...place, manifest, hashKey, log }),
      reader: createLazyReader(async () => {
        const { createPredictionReader } = await import("./prediction-reader.ts");
        return createPredictionReader({ ...place, environment, model, clock });
      }),
    };
