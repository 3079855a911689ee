/**
 * Runs a graph on rows and returns all outputs, because no manifest says yet which of them matter:
 * `node probe-process.ts <folder>` with model.onnx, probe.json and, for text, tokenizer.json. It writes the result as one
 * JSON line to file descriptor 3, because a model's native code may write to stdout and stderr.
 */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openImagesIfAny } from "#inference/image/open-images-if-any.ts";
import { createFeeds } from "#inference/model/create-feeds.ts";
import type { OnShape } from "#inference/model/on-shape.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import { openSession, type Session } from "#inference/model/session.ts";
import { openTokenizer, type TextTokenizer } from "#inference/text/open-tokenizer.ts";
import { limitTokens, predictTexts } from "#inference/text/predict-texts.ts";
import type { TokenBatch } from "#inference/text/token-batch.ts";
import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import type { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { bindInputs } from "#model-folder/onnx/bind-inputs.ts";
import { formatGraphValues } from "#model-folder/onnx/format-graph-value.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { encodeRowGroups } from "#model-folder/rows/encode-row-groups.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { type Probe, ProbeRequest, type TokenizerRules } from "./probe-model.ts";

type Cells = Probe["outputs"][number]["data"];
/** Runs the graph; returns these outputs by row, undefined for an output that is not a tensor of plain values. */
type RunGraph = (
  rows: readonly Row[],
  outputs: readonly string[],
  onShape?: OnShape,
) => Promise<(Cells | undefined)[]>;
/** Cells of each row, where rows differ: windows of several lengths. */
type RowCells = readonly Cells[];

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

/** Puts the cells of groups of rows into the order of all rows. */
const joinGroups = (
  groups: readonly { readonly places: readonly number[]; readonly cells: Cells | undefined }[],
): RowCells | undefined => {
  const rows: Cells[] = [];
  for (const { places, cells } of groups) {
    const width = (cells?.length ?? 0) / places.length;
    if (!cells || !Number.isInteger(width)) return undefined;
    for (const [index, place] of places.entries())
      rows[place] = cells.slice(index * width, (index + 1) * width);
  }
  return rows;
};

const createTableRunner = async (
  session: Session,
  inputs: ProbeRequest["inputs"],
  widths: Map<string, readonly number[]>,
): Promise<RunGraph> => {
  const bound = bindInputs({ inputs }, session.inputs);
  if (bound.status === "mismatched")
    throw new ModelUnreadable(bound.mismatches.map(({ message }) => message).join("\n"));
  const images = await openImagesIfAny({ inputs });
  const encode = encodeRowGroups(bound.columns, images);
  return async (rows, outputs, onShape) => {
    await images?.prepare();
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    const groups: { readonly places: readonly number[]; readonly cells: readonly (Cells | undefined)[] }[] =
      [];
    for (const { feeds, places } of encoded.groups) {
      const data = await session.run(createFeeds(feeds), outputs, onShape);
      groups.push({ places, cells: data.map(toPlainCells) });
    }
    const [only, ...others] = groups;
    if (only && others.length === 0) return [...only.cells];
    return outputs.map((name, at) => {
      const joined = joinGroups(groups.map(({ places, cells }) => ({ places, cells: cells[at] })));
      const [first = [], ...others] = joined ?? [];
      if (joined && others.some(({ length }) => length !== first.length))
        widths.set(
          name,
          joined.map(({ length }) => length),
        );
      return joined?.flat();
    });
  };
};

type TokenOutputs = Map<string, Probe["tokenOutputs"][number]>;

/** Adds a run's output per token to what is known of it; an output of another shape is left out. */
const addTokenOutput = (known: TokenOutputs, name: string, data: unknown, tokens: number): void => {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return;
  const width = data.length / tokens;
  const before = known.get(name);
  if (!Number.isInteger(width) || width < 1 || (before && before.width !== width)) return;
  let { least, greatest } = before ?? {
    least: Number.POSITIVE_INFINITY,
    greatest: Number.NEGATIVE_INFINITY,
  };
  for (const value of data) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  known.set(name, { name, width, least, greatest });
};

/**
 * predictTexts runs texts in batches of similar length and restores the rows' order of predictions. Each row's outputs
 * are therefore kept by its (empty) prediction.
 */
const createTextRunner = async (
  session: Session,
  inputs: ProbeRequest["inputs"],
  rules: TokenizerRules,
  tokenizer: TextTokenizer,
  tokenOutputs: TokenOutputs,
): Promise<RunGraph> => {
  const { maxTokens } = rules;
  const images = await openImagesIfAny({ inputs });
  const perToken = session.outputs.flatMap((value) =>
    value.kind === "tensor" && value.shape?.length === 3 ? [value.name] : [],
  );
  return async (rows, outputs) => {
    const outputsByPrediction = new Map<Prediction, (Cells | undefined)[]>();
    const read = (all: readonly unknown[], count: number, { width }: TokenBatch): Prediction[] => {
      for (const [at, name] of perToken.entries())
        addTokenOutput(tokenOutputs, name, all[outputs.length + at], count * width);
      const tensors = all.slice(0, outputs.length).map(toPlainCells);
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
    const predictions = await predictTexts(
      { inputs, tokenizer: rules },
      { session, tokenizer, images, outputs: [...outputs, ...perToken], read, maxTokens },
    )(rows);
    return outputs.map((_, at) =>
      predictions.flatMap((prediction) => outputsByPrediction.get(prediction)?.[at] ?? []),
    );
  };
};

/** Rows whose texts have more tokens than the limit, counted with room for one more. */
const countTruncatedRows = (
  { inputs, rows, tokenizer: rules }: ProbeRequest,
  open: (maxTokens: number) => TextTokenizer,
): number | undefined => {
  if (!rules) return undefined;
  const [first, second] = listTextInputs({ inputs, tokenizer: rules });
  if (first === undefined) return undefined;
  const tokenizer = open(rules.maxTokens + 1);
  const read = (row: Row, name: string): string => String(getOwnProperty(row, name) ?? "");
  return rows.filter((row) => {
    const { ids } = tokenizer.encode(read(row, first), second === undefined ? undefined : read(row, second));
    return ids.length > rules.maxTokens;
  }).length;
};

/** [labels, N, 2], as scikit-learn's trees and neighbours give the probabilities of several labels. */
const isStackedPair = (shape: readonly (number | string | null)[] | null): boolean =>
  shape?.length === 3 && typeof shape[0] === "number" && typeof shape[1] !== "number" && shape[2] === 2;

const runProbe = async (folder: string): Promise<Probe> => {
  const request = ProbeRequest.parse(JSON.parse(readFileSync(join(folder, "probe.json"), "utf8")));
  const { inputs, rows, tokenizer: rules, wide } = request;
  const open = (limit: number) =>
    openTokenizer(readFileSync(join(folder, "tokenizer.json")), limit, { isPair: rules?.pair !== undefined });
  const session = await openSession({ path: join(folder, "model.onnx") });
  const tokenOutputs: TokenOutputs = new Map();
  const widths = new Map<string, readonly number[]>();
  const shapes = new Map<string, readonly (number | null)[] | undefined>();
  const runGraph =
    rules === undefined
      ? await createTableRunner(session, inputs, widths)
      : await createTextRunner(
          session,
          inputs,
          rules,
          open(limitTokens(session.inputs, rules.maxTokens)),
          tokenOutputs,
        );
  // An output with more dimensions is not a prediction, for example the hidden states of tokens.
  const names = session.outputs.flatMap((value) =>
    value.kind === "tensor" && (wide || (value.shape?.length ?? 2) <= 2 || isStackedPair(value.shape))
      ? [value.name]
      : [],
  );
  if (names.length === 0 && rules === undefined)
    throw new ModelUnreadable(
      `no output of the graph is a tensor [N] or [N, columns] (it has ${formatGraphValues(session.outputs)})`,
    );
  const cells = await runGraph(rows, names, (output, [first, ...inner], count) => {
    const known = shapes.has(output) ? shapes.get(output) : inner;
    const fits = first === count && known?.length === inner.length;
    shapes.set(output, fits ? inner.map((size, axis) => (known[axis] === size ? size : null)) : undefined);
  });
  const rowWidths = new Map(widths);
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
      if (!data) return [];
      const shape = shapes.get(name);
      const widths = rowWidths.get(name);
      return [
        { name, data, ...(shape ? { shape: [...shape] } : {}), ...(widths ? { widths: [...widths] } : {}) },
      ];
    }),
    tokenOutputs: [...tokenOutputs.values()].filter(
      ({ least, greatest }) => Number.isFinite(least) && Number.isFinite(greatest),
    ),
    milliseconds,
    truncatedRows: countTruncatedRows(request, open),
  };
};

const result = await runProbe(process.argv[2] ?? "").catch((error: unknown) => ({
  status: "failed",
  message: error instanceof Error ? error.message : String(error),
}));
writeSync(3, `${JSON.stringify(result)}\n`);
