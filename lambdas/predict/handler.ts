import { loadModelFolder } from "#inference/model/load-model-folder.ts";
import { createRecords } from "#inference/records/create-records.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import { createUuidV7 } from "#inference/records/uuid-v7.ts";
import { formatEmf } from "#platform/metrics/format-emf.ts";
import { readIdentity } from "#worlds/aws/predict/read-identity.ts";
import { readPredictEnv } from "#worlds/aws/predict/read-predict-env.ts";
import { createRecordStorage } from "#worlds/aws/predict/record-storage.ts";
import { createHashKeyReader } from "#worlds/aws/predict/records-hash-key.ts";
import { predict } from "./predict.ts";

const env = await readPredictEnv(process.env);
const clock = Date.now;
const identity = readIdentity(env);
/** In the form of the steps' log, by hand: only faults are told, and a logger would cost each start of the function. */
const log = (message: string) =>
  process.stderr.write(`${JSON.stringify({ level: "ERROR", message, ...identity })}\n`);
const model = await loadModelFolder(env.MODEL_DIRECTORY, { ofImage: true });
const records = createRecords({
  identity,
  manifest: model.manifest,
  hashKey: createHashKeyReader(env),
  clock,
  log,
});

/** The function with its records in this place: the rehearsal gives it one that is not on AWS. */
export const handlerOn = (place: RecordStorage | undefined) =>
  predict({
    model,
    identity,
    now: clock,
    tick: () => performance.now(),
    // The global is loaded with the first id; node:crypto would be with the function.
    newId: () => createUuidV7(clock(), crypto.randomUUID()),
    report: (metrics) => process.stdout.write(`${formatEmf(metrics)}\n`),
    log,
    records: records(place),
  });

export const handler = handlerOn(createRecordStorage({ env, clock }));
