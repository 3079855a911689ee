import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";

const pointer = rowPointer("/rows");

const invalidBodyProblem = (detail: string): HttpProblem =>
  createProblem("rows-invalid", "1 value does not fit.", [{ pointer: "", detail }]);

/** The question in the body of Slipway's own protocol, `{ "rows": [ … ] }`. */
export const parsePredictRequest = (body: unknown): PredictRequest | HttpProblem => {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return invalidBodyProblem('must be an object { "rows": [ … ] }');
  const keys = Object.keys(body);
  if (keys.length !== 1 || keys[0] !== "rows") return invalidBodyProblem("must hold `rows` and nothing else");
  return { rows: Reflect.get(body, "rows"), pointer };
};
