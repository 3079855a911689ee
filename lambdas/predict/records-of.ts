import type { Identity } from "../../inference/answer.ts";
import type { Manifest } from "../../inference/manifest.ts";
import { predictionReader } from "../../inference/records/prediction-reader.ts";
import { recorder } from "../../inference/records/recorder.ts";
import type { RecordPlace, Records } from "../../inference/records/records.ts";

type Needs = {
  readonly identity: Pick<Identity, "environment" | "model">;
  readonly manifest: Pick<Manifest, "records">;
  readonly hashKey: Uint8Array | undefined;
  readonly clock: () => number;
  readonly log: (line: string) => void;
};

/** The records of this function's model in that place; none where there is no place for them. */
export const recordsOf =
  ({ identity: { environment, model }, manifest, hashKey, clock, log }: Needs) =>
  (place: RecordPlace | undefined): Records | undefined =>
    place && {
      recorder: recorder({ ...place, manifest, hashKey, log }),
      reader: predictionReader({ ...place, environment, model, clock }),
    };
