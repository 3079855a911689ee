import type { Identity } from "#inference/answer.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { recorder } from "./recorder.ts";
import type { PredictionReader, RecordPlace, Records } from "./records.ts";

type Needs = {
  readonly identity: Pick<Identity, "environment" | "model">;
  readonly manifest: Pick<Manifest, "records">;
  readonly hashKey: (() => Promise<Uint8Array>) | undefined;
  readonly clock: () => number;
  readonly log: (line: string) => void;
};

/** Loaded when a record is first asked for: predictions do not wait for it. */
const lazily = (open: () => Promise<PredictionReader>): PredictionReader => {
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
export const recordsOf =
  ({ identity: { environment, model }, manifest, hashKey, clock, log }: Needs) =>
  (place: RecordPlace | undefined): Records | undefined =>
    place && {
      recorder: recorder({ ...place, manifest, hashKey, log }),
      reader: lazily(async () => {
        const { predictionReader } = await import("./prediction-reader.ts");
        return predictionReader({ ...place, environment, model, clock });
      }),
    };
