import type { Question } from "#inference/answer.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { problem } from "#inference/http/problem.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";

const pointer = rowPointer("/rows");

const invalid = (detail: string): HttpProblem =>
  problem("rows-invalid", "1 value does not fit.", [{ pointer: "", detail }]);

/** The question in the body of Slipway's own protocol, `{ "rows": [ … ] }`. */
export const nativeQuestion = (body: unknown): Question | HttpProblem => {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return invalid('must be an object { "rows": [ … ] }');
  const keys = Object.keys(body);
  if (keys.length !== 1 || keys[0] !== "rows") return invalid("must hold `rows` and nothing else");
  return { rows: Reflect.get(body, "rows"), pointer };
};
