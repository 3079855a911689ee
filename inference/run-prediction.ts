import type { Row } from "#model-folder/manifest/manifest.ts";
import { type RowProblem, rowPointer } from "#model-folder/rows/row-problem.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { createProblem } from "./http/create-problem.ts";
import type { HttpProblem } from "./http/http-problem.ts";
import type { LoadedModel } from "./model/load-model.ts";
import { ModelBusy, RunStopped } from "./model/model-errors.ts";
import { OutputNotFinite } from "./model/read-predictions.ts";
import { RowsInvalid } from "./model/rows-invalid.ts";
import type { PredictResponse } from "./native/predict-response.ts";
import { countLabels } from "./records/count-labels.ts";
import type { Records } from "./records/records.ts";

/** Who answers: what is known only at deployment. */
export type ModelIdentity = {
  readonly model: string;
  /** The registry's version of the model. */
  readonly version: number;
  readonly digest: string;
  readonly environment: "stage" | "prod";
  /** The function's version, which metrics are kept by. */
  readonly functionVersion: string;
};

export type RunPredictionDependencies = {
  readonly model: LoadedModel;
  readonly identity: ModelIdentity;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly tick: () => number;
  readonly newId: () => string;
  /** Told of every predict request once, answered or not. */
  readonly report: (metrics: RequestMetrics) => void;
  /** Told why a request failed by our fault; holds no input. */
  readonly log: (line: string) => void;
  /** Absent where none are kept. */
  readonly records?: Records | undefined;
};

/** What a protocol read from a request. */
export type PredictRequest = {
  /** Rows for the model, an object each; anything, as it came from the caller. */
  readonly rows: unknown;
  /** How the protocol's caller finds the value that a problem is about: an RFC 6901 pointer into what it sent. */
  readonly pointer: (problem: RowProblem) => string;
};

export type PredictResult =
  | { readonly status: "answered"; readonly answer: PredictResponse }
  | { readonly status: "refused"; readonly problem: HttpProblem };

/** What a caller may read of an error: the model's inner life stays in the log. */
const toProblem = (error: unknown, pointer: PredictRequest["pointer"]): HttpProblem => {
  if (error instanceof RowsInvalid)
    return createProblem(
      "rows-invalid",
      `${error.problems.length} value${error.problems.length === 1 ? " does" : "s do"} not fit.`,
      error.problems.map((found) => ({ pointer: pointer(found), detail: found.detail })),
    );
  if (error instanceof OutputNotFinite)
    return createProblem("output-not-finite", "No answer is better than a wrong one.");
  if (error instanceof RunStopped)
    return createProblem(
      "run-stopped",
      "This request's run did not end within the model's limits on time and memory, and was stopped. Send other rows, or fewer.",
    );
  if (error instanceof ModelBusy)
    return createProblem(
      "model-busy",
      "Too many runs did not end. Ask again after the time that Retry-After says.",
    );
  return createProblem("prediction-failed", "The model could not answer these rows.");
};

/** Rows that the model answered: it checked each of them against its inputs. */
const areRows = (rows: unknown): rows is readonly Row[] => Array.isArray(rows);

const formatError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message.slice(0, 500)}` : typeof error;

/**
 * Answers one request of whichever protocol, given a way to its question (or a refusal, where what came is none), and
 * reports it once, whatever happens. A failure is ours (5xx); a caller's mistake is none.
 */
export const runPrediction = ({
  model,
  identity,
  now,
  tick,
  newId,
  report,
  log,
  records,
}: RunPredictionDependencies) => {
  const refused = (error: unknown, pointer: PredictRequest["pointer"]): HttpProblem => {
    const told = toProblem(error, pointer);
    if (told.status >= 500) log(`prediction failed: ${formatError(error)}`);
    return told;
  };

  const predict = async (question: PredictRequest, at: number, started: number): Promise<PredictResult> => {
    try {
      const { rows } = question;
      const predictions = await model.predict(rows);
      const answer: PredictResponse = {
        id: newId(),
        model: identity.model,
        version: identity.version,
        predictions,
        latencyMs: Math.round((tick() - started) * 1_000) / 1_000,
        createdAt: new Date(at).toISOString(),
      };
      if (!records || !areRows(rows)) return { status: "answered", answer };
      const { digest, environment } = identity;
      const { id, latencyMs } = answer;
      const kept = { id, at, model: identity.model, modelVersion: identity.version, digest, environment };
      const recorded = await records.recorder.record({ ...kept, latencyMs, rows, predictions });
      return {
        status: "answered",
        answer: recorded === "failed" ? { ...answer, storageWarning: "write_failed" } : answer,
      };
    } catch (error) {
      return { status: "refused", problem: refused(error, question.pointer) };
    }
  };

  return async (read: () => Promise<PredictRequest | HttpProblem>): Promise<PredictResult> => {
    const at = now();
    const started = tick();
    const question = await read().catch((error: unknown): HttpProblem => refused(error, rowPointer("/rows")));
    const answered: PredictResult =
      "rows" in question ? await predict(question, at, started) : { status: "refused", problem: question };
    report({
      environment: identity.environment,
      model: identity.model,
      version: identity.functionVersion,
      at,
      latencyMs: tick() - started,
      failed: answered.status === "refused" && answered.problem.status >= 500,
      labels: answered.status === "answered" ? countLabels(answered.answer.predictions) : new Map(),
      recordFailed: answered.status === "answered" && answered.answer.storageWarning !== undefined,
    });
    return answered;
  };
};
