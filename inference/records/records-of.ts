import type { Identity } from "../answer.ts";
import type { Manifest } from "../manifest.ts";
import { predictionReader } from "./prediction-reader.ts";
import { recorder } from "./recorder.ts";
import type { RecordPlace, Records } from "./records.ts";

type Needs = {
  readonly identity: Pick<Identity, "environment" | "model">;
  readonly manifest: Pick<Manifest, "records">;
  readonly hashKey: (() => Promise<Uint8Array>) | undefined;
  readonly clock: () => number;
  readonly log: (line: string) => void;
};

/** The records of a model in that place; none where there is no place for them. */
export const recordsOf =
  ({ identity: { environment, model }, manifest, hashKey, clock, log }: Needs) =>
  (place: RecordPlace | undefined): Records | undefined =>
    place && {
      recorder: recorder({ ...place, manifest, hashKey, log }),
      reader: predictionReader({ ...place, environment, model, clock }),
    };
