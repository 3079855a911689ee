import { openModel } from "#inference/model/open-model.ts";
import type { RecordPlace } from "#inference/records/records.ts";
import { recordsOf } from "#inference/records/records-of.ts";
import { timeOrderedId } from "#inference/records/time-ordered-id.ts";
import { emfLine } from "#platform/metrics/emf.ts";
import { identityOf } from "#worlds/aws/predict/identity-of.ts";
import { readPredictEnv } from "#worlds/aws/predict/read-predict-env.ts";
import { recordsHashKey } from "#worlds/aws/predict/records-hash-key.ts";
import { recordsOnAws } from "#worlds/aws/predict/records-on-aws.ts";
import { predict } from "./predict.ts";

const env = await readPredictEnv(process.env);
const clock = Date.now;
const identity = identityOf(env);
/** In the form of the steps' log, by hand: only faults are told, and a logger would cost each start of the function. */
const log = (message: string) =>
  process.stderr.write(`${JSON.stringify({ level: "ERROR", message, ...identity })}\n`);
const model = await openModel(env.MODEL_DIRECTORY, { ofImage: true });
const records = recordsOf({ identity, manifest: model.manifest, hashKey: recordsHashKey(env), clock, log });

/** The function with its records in this place: the rehearsal gives it one that is not on AWS. */
export const handlerOn = (place: RecordPlace | undefined) =>
  predict({
    model,
    identity,
    now: clock,
    tick: () => performance.now(),
    // The global is loaded with the first id; node:crypto would be with the function.
    newId: () => timeOrderedId(clock(), crypto.randomUUID()),
    report: (metrics) => process.stdout.write(`${emfLine(metrics)}\n`),
    log,
    records: records(place),
  });

export const handler = handlerOn(recordsOnAws({ env, clock }));
