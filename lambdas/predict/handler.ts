import { loadModelFolder } from "#inference/model/load-model-folder.ts";
import { readExampleRow } from "#inference/openapi/read-example-row.ts";
import { createRecords } from "#inference/records/create-records.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import { answerLate } from "#worlds/aws/predict/answer-late.ts";
import { processClock } from "#worlds/aws/predict/process-clock.ts";
import { createErrorLog, reportMetrics as report } from "#worlds/aws/predict/process-output.ts";
import { readIdentity } from "#worlds/aws/predict/read-identity.ts";
import { readPredictEnv } from "#worlds/aws/predict/read-predict-env.ts";
import { createRecordStorage } from "#worlds/aws/predict/record-storage.ts";
import { createHashKeyReader } from "#worlds/aws/predict/records-hash-key.ts";
import { predict } from "./predict.ts";

const env = await readPredictEnv(process.env);
const clock = Date.now;
const identity = readIdentity(env);
const model = await loadModelFolder(env.MODEL_DIRECTORY, { ofImage: true });
const answer = answerLate((storage: RecordStorage | undefined) => {
  const [log, hashKey] = [createErrorLog(identity), createHashKeyReader(env)];
  const records = createRecords({ identity, manifest: model.manifest, hashKey, clock, log })(storage);
  const readExample = () => readExampleRow(env.MODEL_DIRECTORY, model.manifest);
  return predict({ model, identity, report, log, ...processClock, readExampleRow: readExample, records });
});

/** Creates the handler for a record storage: the rehearsal passes one that is not on AWS. */
export const handlerOn = (storage: RecordStorage | undefined) => answer(() => storage);

export const handler = answer(() => createRecordStorage({ env, clock }));
