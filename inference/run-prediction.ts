import type { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { type RowProblem, rowPointer } from "#model-folder/rows/row-problem.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { createProblem } from "./http/create-problem.ts";
import type { HttpProblem } from "./http/http-problem.ts";
import type { LoadedModel } from "./model/load-model.ts";
import { ModelBusy, RunStopped } from "./model/model-errors.ts";
import { OutputNotFinite } from "./model/output-not-finite.ts";
import type { ScannedRows } from "./model/predict-columns.ts";
import { type PredictedRows, predictedObjects } from "./model/predicted-rows.ts";
import { RowsInvalid } from "./model/rows-invalid.ts";
import type { PredictResponseHead } from "./native/predict-response.ts";
import type { RequestColumns } from "./records/pack-columns.ts";
import { createRecordText } from "./records/record-text.ts";
import type { PredictedRequest, RecordColumns, Records } from "./records/records.ts";
import { sampleScores } from "./records/sample-scores.ts";

/** The deployed version that predicts, known only at deployment. */
export type ModelIdentity = {
  readonly model: string;
  /** The registry's version of the model. */
  readonly version: number;
  readonly digest: string;
  readonly environment: "stage" | "prod";
  /** The function's version; metrics are stored under it. */
  readonly functionVersion: string;
};

export type RunPredictionDependencies = {
  readonly model: LoadedModel;
  readonly identity: ModelIdentity;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly tick: () => number;
  /** Creates a request's id; `at` is its arrival in epoch milliseconds. */
  readonly newId: (at?: number) => string;
  /** Called once for every predict request, successful or not; undefined: nobody wants the metrics. */
  readonly report: ((metrics: RequestMetrics) => void) | undefined;
  /** Gets the reason of every server error, without inputs. */
  readonly log: (line: string) => void;
  /** Absent if no records are kept. */
  readonly records?: Records | undefined;
  /** Reads the row that the API's documents show; absent, or without a row: they show one of the lowest values. */
  readonly readExampleRow?: (() => Promise<Row | undefined>) | undefined;
};

/** A predict request of any protocol. */
export type PredictRequest = {
  /** Rows from the caller, not yet validated. */
  readonly rows: unknown;
  /** Returns the RFC 6901 pointer to a problem's value in the caller's body. */
  readonly pointer: (problem: RowProblem) => string;
  /** The same rows in columns, where the body's reader made them; `rows` are then made only for those who need them. */
  readonly scanned?: ScannedRows;
  /** The delivery compares versions on recorded rows: this is no traffic, so it leaves neither records nor metrics. */
  readonly replay?: true;
};

export type Predicted = {
  readonly status: "predicted";
  readonly response: PredictResponseHead;
  /** The predictions of the response. */
  readonly predicted: PredictedRows;
};
export type PredictResult = Predicted | { readonly status: "refused"; readonly problem: HttpProblem };

/** Converts an error to what the caller may see; details of the model stay in the log. */
const toProblem = (error: unknown, pointer: PredictRequest["pointer"]): HttpProblem => {
  if (error instanceof RowsInvalid)
    return createProblem(
      "rows-invalid",
      `${error.problems.length} invalid value${error.problems.length === 1 ? "" : "s"}.`,
      error.problems.map((problem) => ({ pointer: pointer(problem), detail: problem.detail })),
    );
  if (error instanceof OutputNotFinite)
    return createProblem("output-not-finite", "Ask the model's owner to check it with these rows.");
  if (error instanceof RunStopped)
    return createProblem(
      "run-stopped",
      "The run exceeded the model's limits on time and memory and was stopped. Send fewer or other rows.",
    );
  if (error instanceof ModelBusy)
    return createProblem(
      "model-busy",
      "Too many runs were stopped. Try again after the seconds in Retry-After.",
    );
  return createProblem("prediction-failed", "The model could not predict these rows.");
};

let latest = { at: Number.NaN, text: "" };
/** ISO 8601; the requests of a millisecond have the same. */
const formatInstant = (at: number): string => {
  if (latest.at !== at) latest = { at, text: new Date(at).toISOString() };
  return latest.text;
};

/** Predicts from columns, where a request has them. What they cannot answer, the rows do, which name every problem. */
const predictRows = async (model: LoadedModel, request: PredictRequest): Promise<PredictedRows> => {
  const { scanned } = request;
  if (scanned && model.columns) {
    try {
      return await model.columns.predict(scanned);
    } catch {
      // The rows as objects give the same error with its places.
    }
  }
  return predictedObjects(await model.predict(request.rows));
};

/** One object, by which the packer of columns sees that the names are the same as before. */
const noInputs: RequestColumns["layout"] = [];

/** The numbers of a request for its record; undefined where they do not say which names each row has. */
const toRequestColumns = (
  { encoded, layout }: ScannedRows,
  { columns }: PredictedRows,
  withInputs: boolean,
): RequestColumns | undefined => {
  if (!columns || (withInputs && !layout?.length)) return undefined;
  return { table: encoded, layout: (withInputs && layout) || noInputs, scores: columns };
};

/** The columns of a request for its record, if both its rows and its predictions have them. */
const toRecordColumns = (
  scanned: ScannedRows | undefined,
  predicted: PredictedRows,
): RecordColumns | undefined =>
  scanned && {
    count: predicted.length,
    countLabels: () => predicted.countLabels(),
    text: (withInputs) => createRecordText(scanned, predicted, withInputs),
    numbers: (withInputs) => toRequestColumns(scanned, predicted, withInputs),
  };

/** The model has already validated rows that it predicted. */
const areRows = (rows: unknown): rows is readonly Row[] => Array.isArray(rows);
const assertRows = (rows: unknown): readonly Row[] => {
  if (!areRows(rows)) throw new TypeError("a model predicted rows that are no list");
  return rows;
};

type RequestOrigin = Omit<PredictedRequest, "rows" | "predictions" | "columns">;

/**
 * A request for its record: rows and predictions become objects where somebody reads them. A class, because an object
 * literal with a getter outlives its request (docs/decisions/63).
 */
class RecordedRequest implements PredictedRequest {
  readonly id: string;
  readonly at: number;
  readonly model: string;
  readonly modelVersion: number;
  readonly digest: string;
  readonly environment: PredictedRequest["environment"];
  readonly latencyMs: number;
  readonly columns: RecordColumns | undefined;
  readonly #request: PredictRequest;
  readonly #predicted: PredictedRows;
  constructor(origin: RequestOrigin, request: PredictRequest, predicted: PredictedRows) {
    this.id = origin.id;
    this.at = origin.at;
    this.model = origin.model;
    this.modelVersion = origin.modelVersion;
    this.digest = origin.digest;
    this.environment = origin.environment;
    this.latencyMs = origin.latencyMs;
    this.columns = toRecordColumns(request.scanned, predicted);
    this.#request = request;
    this.#predicted = predicted;
  }
  get rows(): readonly Row[] {
    return assertRows(this.#request.rows);
  }
  get predictions(): readonly Prediction[] {
    return this.#predicted.toArray();
  }
}

const formatError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message.slice(0, 500)}` : typeof error;

/**
 * Handles one predict request of any protocol. `read` returns the request, or a problem if it is invalid. Reports metrics
 * once in every case, except for a replay. Only server errors (5xx) count as failed, not the caller's mistakes.
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
  const readScores = sampleScores(model.manifest);
  const toLoggedProblem = (error: unknown, pointer: PredictRequest["pointer"]): HttpProblem => {
    const problem = toProblem(error, pointer);
    if (problem.status >= 500) log(`prediction failed: ${formatError(error)}`);
    return problem;
  };

  const predict = async (request: PredictRequest, at: number, started: number): Promise<PredictResult> => {
    try {
      const predicted = await predictRows(model, request);
      const id = newId(at);
      const latencyMs = Math.round((tick() - started) * 1_000) / 1_000;
      const respond = (recorded: "written" | "failed" | "not kept"): PredictResult => ({
        status: "predicted",
        predicted,
        response: {
          id,
          model: identity.model,
          version: identity.version,
          latencyMs,
          createdAt: formatInstant(at),
          ...(recorded === "failed" ? { storageWarning: "write_failed" } : {}),
        },
      });
      if (!records || request.replay) return respond("not kept");
      const { digest, environment } = identity;
      const recorded = await records.recorder.record(
        new RecordedRequest(
          { id, at, model: identity.model, modelVersion: identity.version, digest, environment, latencyMs },
          request,
          predicted,
        ),
      );
      return respond(recorded);
    } catch (error) {
      return { status: "refused", problem: toLoggedProblem(error, request.pointer) };
    }
  };

  const readRequest = async (
    read: () => Promise<PredictRequest | HttpProblem>,
  ): Promise<PredictRequest | HttpProblem> => {
    try {
      return await read();
    } catch (error) {
      return toLoggedProblem(error, rowPointer("/rows"));
    }
  };

  return async (read: () => Promise<PredictRequest | HttpProblem>): Promise<PredictResult> => {
    const at = now();
    const started = tick();
    const request = await readRequest(read);
    const result: PredictResult =
      "rows" in request ? await predict(request, at, started) : { status: "refused", problem: request };
    if (!report || ("rows" in request && request.replay)) return result;
    report({
      environment: identity.environment,
      model: identity.model,
      version: identity.functionVersion,
      at,
      latencyMs: tick() - started,
      failed: result.status === "refused" && result.problem.status >= 500,
      labels: result.status === "predicted" ? result.predicted.countLabels() : new Map(),
      scores: result.status === "predicted" ? readScores(result.predicted) : [],
      recordFailed: result.status === "predicted" && result.response.storageWarning !== undefined,
      engine: model.engine.name,
      onnxruntimeRuns: model.takeOnnxruntimeRuns?.(),
    });
    return result;
  };
};
