import { randomUUID } from "node:crypto";
import { emfLine } from "../../inference/emf.ts";
import { openModel } from "../../inference/open-model.ts";
import { Env, identityOf } from "./env.ts";
import { predict } from "./predict.ts";

const env = Env.parse(process.env);

export const handler = predict({
  model: await openModel(env.MODEL_DIRECTORY),
  identity: identityOf(env),
  now: Date.now,
  tick: () => performance.now(),
  newId: randomUUID,
  report: (metrics) => process.stdout.write(`${emfLine(metrics)}\n`),
  log: (line) => process.stderr.write(`${line}\n`),
});
