import { type Answered, answerRequest, type Needs, type Question } from "./answer.ts";
import type { HttpProblem } from "./http/http-problem.ts";
import { sampleRow } from "./model/load-model.ts";

/** What every protocol stands on: the model and who it is, a way to ask it, and whether it answers. */
export type Service = Pick<Needs, "model" | "identity" | "newId" | "records" | "log"> & {
  /** Answers one request and reports it, whatever happens. */
  readonly answer: (read: () => Promise<Question | HttpProblem>) => Promise<Answered>;
  /** True once the model answered its test row; asked again until then. */
  readonly ready: () => Promise<boolean>;
};

const selfTest = ({ model }: Needs): Service["ready"] => {
  let answered = false;
  return async () => {
    if (model.retryAfter?.() !== undefined) return false;
    answered ||= await model.predict([sampleRow(model.manifest)]).then(
      (predictions) => predictions.length === 1,
      () => false,
    );
    return answered;
  };
};

/** The inference service without any protocol. */
export const createService = (needs: Needs): Service => ({
  ...needs,
  answer: answerRequest(needs),
  ready: selfTest(needs),
});
