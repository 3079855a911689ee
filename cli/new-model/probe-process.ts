/**
 * Runs a graph on rows and returns all outputs, because no manifest says yet which of them matter:
 * `node probe-process.ts <folder>` with model.onnx, probe.json and, for text, tokenizer.json. It writes the result as one
 * JSON line to file descriptor 3, because a model's native code may write to stdout and stderr.
 */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openImages } from "#inference/image/open-images.ts";
import { createFeeds } from "#inference/model/create-feeds.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import { openSession, type Session } from "#inference/model/session.ts";
import { openTokenizer, type TextTokenizer } from "#inference/text/open-tokenizer.ts";
import { limitTokens, predictTexts } from "#inference/text/predict-texts.ts";
import type { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { bindInputs } from "#model-folder/onnx/bind-inputs.ts";
import { formatGraphValues } from "#model-folder/onnx/format-graph-value.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { type Probe, ProbeRequest } from "./probe-model.ts";

type Cells = Probe["outputs"][number]["data"];
/** Runs the graph; returns these outputs by row, undefined for an output that is not a tensor of plain values. */
type RunGraph = (rows: readonly Row[], outputs: readonly string[]) => Promise<(Cells | undefined)[]>;

const timedRuns = 100;
const timedMs = 1_000;

/** JSON has neither NaN nor 64-bit integers. */
const toPlainCells = (data: unknown): Cells | undefined => {
  if (data instanceof Float32Array || data instanceof Float64Array || data instanceof Float16Array)
    return Array.from(data, (value) => (Number.isFinite(value) ? value : null));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data, String);
  if (ArrayBuffer.isView(data) && !(data instanceof DataView) && Symbol.iterator in data)
    return Array.from(data as Uint8Array, String);
  return Array.isArray(data) ? data.map(String) : undefined;
};

const createTableRunner = async (session: Session, inputs: ProbeRequest["inputs"]): Promise<RunGraph> => {
  const bound = bindInputs({ inputs }, session.inputs);
  if (bound.status === "mismatched")
    throw new ModelUnreadable(bound.mismatches.map(({ message }) => message).join("\n"));
  const images = inputs.some(({ type }) => type === "image") ? await openImages() : undefined;
  const encode = encodeRows(bound.columns, images);
  return async (rows, outputs) => {
    await images?.prepare();
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    return (await session.run(createFeeds(session, encoded.feeds), outputs)).map(toPlainCells);
  };
};

/**
 * predictTexts runs texts in batches of similar length and restores the rows' order of predictions. Each row's outputs
 * are therefore kept by its (empty) prediction.
 */
const createTextRunner = (
  session: Session,
  inputs: ProbeRequest["inputs"],
  tokenizer: TextTokenizer,
): RunGraph => {
  return async (rows, outputs) => {
    const outputsByPrediction = new Map<Prediction, (Cells | undefined)[]>();
    const read = (data: readonly unknown[], count: number): Prediction[] => {
      const tensors = data.map(toPlainCells);
      return Array.from({ length: count }, (_, row) => {
        const prediction: Prediction = { scores: {} };
        outputsByPrediction.set(
          prediction,
          tensors.map((cells) => {
            const width = (cells?.length ?? 0) / count;
            return cells?.slice(row * width, (row + 1) * width);
          }),
        );
        return prediction;
      });
    };
    const predictions = await predictTexts({ inputs }, { session, tokenizer, outputs, read })(rows);
    return outputs.map((_, at) =>
      predictions.flatMap((prediction) => outputsByPrediction.get(prediction)?.[at] ?? []),
    );
  };
};

/** Texts with more tokens than the limit, counted with room for one more. */
const countTruncatedRows = (
  { inputs, rows, maxTokens }: ProbeRequest,
  open: (maxTokens: number) => TextTokenizer,
): number | undefined => {
  const name = inputs[0]?.name;
  if (maxTokens === undefined || name === undefined) return undefined;
  const tokenizer = open(maxTokens + 1);
  return rows.filter(
    (row) => tokenizer.encode(String(getOwnProperty(row, name) ?? "")).ids.length > maxTokens,
  ).length;
};
/** [labels, N, 2], as scikit-learn's trees and neighbours give the probabilities of several labels. */
const isStackedPair = (shape: readonly (number | string | null)[] | null): boolean =>
  shape?.length === 3 && typeof shape[0] === "number" && typeof shape[1] !== "number" && shape[2] === 2;

const runProbe = async (folder: string): Promise<Probe> => {
  const request = ProbeRequest.parse(JSON.parse(readFileSync(join(folder, "probe.json"), "utf8")));
  const { inputs, rows, maxTokens, wide } = request;
  const open = (limit: number) => openTokenizer(readFileSync(join(folder, "tokenizer.json")), limit);
  const session = await openSession({ path: join(folder, "model.onnx") });
  const runGraph =
    maxTokens === undefined
      ? await createTableRunner(session, inputs)
      : createTextRunner(session, inputs, open(limitTokens(session.inputs, maxTokens)));
  // An output with more dimensions is not a prediction, for example the hidden states of tokens.
  const names = session.outputs.flatMap((value) =>
    value.kind === "tensor" && (wide || (value.shape?.length ?? 2) <= 2 || isStackedPair(value.shape))
      ? [value.name]
      : [],
  );
  if (names.length === 0)
    throw new ModelUnreadable(
      `no output of the graph is a tensor [N] or [N, columns] (it has ${formatGraphValues(session.outputs)})`,
    );
  const cells = await runGraph(rows, names);
  const milliseconds: number[] = [];
  const started = performance.now();
  for (let at = 0; at < timedRuns && performance.now() - started < timedMs; at++) {
    const before = performance.now();
    await runGraph(rows.slice(at % rows.length, (at % rows.length) + 1), names);
    milliseconds.push(performance.now() - before);
  }
  return {
    status: "answered",
    outputs: names.flatMap((name, at) => {
      const data = cells[at];
      return data ? [{ name, data }] : [];
    }),
    milliseconds,
    truncatedRows: countTruncatedRows(request, open),
  };
};

const result = await runProbe(process.argv[2] ?? "").catch((error: unknown) => ({
  status: "failed",
  message: error instanceof Error ? error.message : String(error),
}));
writeSync(3, `${JSON.stringify(result)}\n`);
