import type { ModelIdentity } from "#inference/run-prediction.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { createRecorder } from "./recorder.ts";
import type { PredictionReader, RecordStorage, Records } from "./records.ts";

type Dependencies = {
  readonly identity: Pick<ModelIdentity, "environment" | "model">;
  readonly manifest: Pick<Manifest, "records">;
  readonly hashKey: (() => Promise<Uint8Array>) | undefined;
  readonly clock: () => number;
  readonly log: (line: string) => void;
};

/** Loads the reader on the first request for records, to keep cold starts short. */
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

/** Creates the records of a model in a storage; undefined without a storage. */
export const createRecords =
  ({ identity: { environment, model }, manifest, hashKey, clock, log }: Dependencies) =>
  (storage: RecordStorage | undefined): Records | undefined =>
    storage && {
      recorder: createRecorder({ ...storage, manifest, hashKey, log }),
      reader: createLazyReader(async () => {
        const { createPredictionReader } = await import("./prediction-reader.ts");
        return createPredictionReader({ ...storage, environment, model, clock });
      }),
    };
