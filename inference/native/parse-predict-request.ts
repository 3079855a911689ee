import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";

const pointer = rowPointer("/rows");

const invalidBodyProblem = (detail: string): HttpProblem =>
  createProblem("rows-invalid", "1 invalid value.", [{ pointer: "", detail }]);

/** Parses the body of Slipway's own protocol, `{ "rows": [ … ] }`. */
export const parsePredictRequest = (body: unknown): PredictRequest | HttpProblem => {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return invalidBodyProblem('must be an object { "rows": [ … ] }');
  const keys = Object.keys(body);
  if (keys.length !== 1 || keys[0] !== "rows")
    return invalidBodyProblem("must have the field `rows` and no other");
  return { rows: Reflect.get(body, "rows"), pointer };
};
