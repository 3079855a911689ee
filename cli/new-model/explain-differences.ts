import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { GivenPrediction } from "./interpret-predicted.ts";

type Row = { readonly given: GivenPrediction; readonly actual: Prediction };
type Vectors = { readonly names: readonly string[]; readonly python: number[][]; readonly ours: number[][] };

const near = (value: number, other: number): boolean =>
  Math.abs(value - other) <= 1e-3 * Math.max(1, Math.abs(value));
const agree = (left: readonly (readonly number[])[], right: readonly (readonly number[])[]): boolean =>
  left.every((row, at) => row.every((value, column) => near(value, right[at]?.[column] ?? Number.NaN)));

/** The numbers that both have for every row, one row each. */
const readVectors = (rows: readonly Row[]): Vectors | undefined => {
  const names = Object.keys(rows[0]?.given.scores ?? {});
  if (names.length === 0) return undefined;
  const read = (scores: Readonly<Record<string, number>> | undefined) =>
    names.map((name) => getOwnProperty(scores ?? {}, name) ?? Number.NaN);
  return {
    names,
    python: rows.map(({ given }) => read(given.scores)),
    ours: rows.map(({ actual }) => read(actual.scores)),
  };
};

/** Finds for each of Python's columns the one of ours with its numbers; undefined if there is no such order. */
const findOrder = ({ names, python, ours }: Vectors): readonly string[] | undefined => {
  const order = names.map((_, column) =>
    names.findIndex((_, other) =>
      python.every((row, at) => near(row[column] ?? Number.NaN, ours[at]?.[other] ?? Number.NaN)),
    ),
  );
  return new Set(order).size === names.length && !order.includes(-1)
    ? order.map((column) => names[column] ?? "")
    : undefined;
};

/** Finds for each of Python's labels the one label that we give instead. */
const findLabelOrder = (rows: readonly Row[]): ReadonlyMap<string, string> | undefined => {
  const found = new Map<string, string>();
  for (const { given, actual } of rows) {
    if (given.label === undefined || actual.label === undefined) return undefined;
    if ((found.get(given.label) ?? actual.label) !== actual.label) return undefined;
    found.set(given.label, actual.label);
  }
  return new Set(found.values()).size === found.size && [...found].some(([from, to]) => from !== to)
    ? found
    : undefined;
};

const softmax = (row: readonly number[]): number[] => {
  const largest = Math.max(...row);
  const powers = row.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};
const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

const explainScores = (vectors: Vectors): string | undefined => {
  const { python, ours } = vectors;
  const order = findOrder(vectors);
  if (order)
    return `the labels' order. Our scores are Python's if the labels ${vectors.names.join(", ")} are read as ${order.join(", ")}: give --labels in the order of model.classes_.`;
  if (agree(python.map(softmax), ours))
    return "logits. Our scores are the softmax of Python's: either Python's are logits (give --predicted the probabilities), or the graph returns probabilities and `scores: logits` is wrong.";
  if (
    agree(ours.map(softmax), python) ||
    agree(
      ours.map((row) => row.map(sigmoid)),
      python,
    )
  )
    return "logits. Python's scores are the softmax of the graph's: `scores: logits` is missing, or the graph was exported without its last layer.";
  return undefined;
};

/** A line through all pairs; undefined if they are not on one. */
const fitLine = (
  xs: readonly number[],
  ys: readonly number[],
): { slope: number; offset: number } | undefined => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const variance = xs.reduce((sum, value) => sum + (value - x) ** 2, 0);
  // Two or three different values are on a line by chance.
  if (new Set(xs).size < 4 || variance === 0) return undefined;
  const slope = xs.reduce((sum, value, at) => sum + (value - x) * ((ys[at] ?? 0) - y), 0) / variance;
  const offset = y - slope * x;
  return xs.every((value, at) => near(ys[at] ?? Number.NaN, slope * value + offset))
    ? { slope, offset }
    : undefined;
};

const explainValues = (vectors: Vectors): string | undefined => {
  const { names, python, ours } = vectors;
  const order = findOrder(vectors);
  if (order && names.length > 1)
    return `the values' order. Ours are Python's if ${names.join(", ")} are read as ${order.join(", ")}: repeat --target in the graph's order.`;
  if (names.length > 1) return undefined;
  const line = fitLine(
    ours.map(([value = 0]) => value),
    python.map(([value = 0]) => value),
  );
  if (line)
    return `the target's scaling. Python's value is ${line.slope.toPrecision(4)} times ours plus ${line.offset.toPrecision(4)}: the graph returns the scaled target, so export it with the inverse transformation.`;
  if (
    agree(
      ours.map((row) => row.map(Math.exp)),
      python,
    ) ||
    agree(
      ours.map((row) => row.map(Math.expm1)),
      python,
    )
  )
    return "the target's scaling. Python's value is the exponential of ours: the graph returns the logarithm, so export it with the inverse transformation.";
  return undefined;
};

/** The only vector of each row, of Python and of this runtime; undefined where a row has none. */
const readEmbeddings = (rows: readonly Row[]): Pick<Vectors, "python" | "ours"> | undefined => {
  const read = ({ tensors }: GivenPrediction): readonly number[] | undefined => {
    const [vector] = Object.values(tensors ?? {});
    return Array.isArray(vector) && vector.every((each) => typeof each === "number") ? vector : undefined;
  };
  const pairs = rows.flatMap(({ given, actual }) => {
    const [python, ours] = [read(given), read(actual)];
    return python && ours ? [{ python: [...python], ours: [...ours] }] : [];
  });
  return pairs.length < rows.length
    ? undefined
    : { python: pairs.map(({ python }) => python), ours: pairs.map(({ ours }) => ours) };
};

const toUnitLength = (vector: readonly number[]): number[] => {
  const length = Math.hypot(...vector);
  return vector.map((each) => each / length);
};

const explainEmbedding = (
  output: Extract<Manifest, { task: "embedding" }>["output"],
  rows: readonly Row[],
): string => {
  const vectors = readEmbeddings(rows);
  const width = vectors?.python[0]?.length ?? output.dimensions;
  if (width !== output.dimensions)
    return `another output. Python's vector has ${width} numbers, the graph's ${output.dimensions}: check which output was exported.`;
  if (vectors && agree(vectors.ours.map(toUnitLength), vectors.python))
    return "normalize. Python's vectors have length 1 and are ours divided by their length: give --normalize.";
  if (vectors && agree(vectors.python.map(toUnitLength), vectors.ours))
    return "normalize. Our vectors are Python's divided by their length: leave --normalize out, or compare with Python's normalized vectors.";
  return `pooling. The vectors are joined by pooling: ${output.pooling}; --pooling mean, cls or max chooses another (1_Pooling/config.json of sentence-transformers has it). Otherwise the tokenizer or the model file is another one than in Python.`;
};

const explainTexts = (manifest: Manifest, rows: readonly Row[], different: readonly number[]): string =>
  different.length < rows.length
    ? `the tokenizer or its truncation. Only some texts differ: compare tokenizer.json with the one of the training, and tokenizer.maxTokens (${manifest.tokenizer?.maxTokens}) with its max_length.`
    : "the tokenizer or the model file. All texts differ: check that model.onnx and tokenizer.json are of the same training run.";

/** Python's numbers with the other sign. */
const areNegated = ({ python, ours }: Vectors): boolean =>
  python.some((row) => row.some((value) => Math.abs(value) > 1e-3)) &&
  agree(
    python.map((row) => row.map((value) => -value)),
    ours,
  );

/** The one number by which all scores of an anomaly are moved, as score_samples and decision_function differ. */
const explainAnomaly = (vectors: Vectors): string | undefined => {
  if (areNegated(vectors))
    return "the score's sign. Python's is the negative of ours: PyOD and score_samples-like functions count the other way than decision_function. Give --predicted the exported function's score.";
  const line = fitLine(
    vectors.ours.map(([value = 0]) => value),
    vectors.python.map(([value = 0]) => value),
  );
  return line && Math.abs(line.slope - 1) < 1e-3
    ? `another score. Python's is ours plus ${line.offset.toPrecision(4)}: score_samples and decision_function differ by offset_; give --predicted the decision_function, or name the other output in output.graphOutput.`
    : undefined;
};

const explainLabelSets = (
  { output }: Extract<Manifest, { task: "multilabel" }>,
  vectors: Vectors | undefined,
) => {
  const sigmoids = (rows: readonly (readonly number[])[]) => rows.map((row) => row.map(sigmoid));
  if (vectors) {
    const order = findOrder(vectors);
    if (order)
      return `the labels' order. Our scores are Python's if ${vectors.names.join(", ")} are read as ${order.join(", ")}: repeat --target in the order of the training.`;
    if (agree(sigmoids(vectors.python), vectors.ours))
      return "logits. Our scores are the sigmoid of Python's: give --predicted the probabilities, or write scores: decision.";
    return agree(sigmoids(vectors.ours), vectors.python)
      ? "logits. Python's scores are the sigmoid of the graph's: scores: logits is missing."
      : undefined;
  }
  const limit = output.threshold ?? (output.scores === "decision" ? 0 : 0.5);
  return `the labels' order, or the threshold. A label applies above ${limit}: repeat --target in the order of the training, or set output.threshold. Give --predicted the probabilities to see which.`;
};

/** Causes of single tasks; undefined: none is known, or none explains all rows. */
const explainTask = (
  manifest: Manifest,
  rows: readonly Row[],
  vectors: Vectors | undefined,
): string | undefined => {
  switch (manifest.task) {
    case "anomaly":
      return vectors && explainAnomaly(vectors);
    case "multilabel":
      return explainLabelSets(manifest, vectors);
    case "clustering": {
      const order = findLabelOrder(rows);
      return order
        ? `the clusters' numbers. Python's ${[...order].map(([from, to]) => `${from} is ${to} here`).join(", ")}: each training numbers clusters anew, so --predicted is from another training than the export.`
        : undefined;
    }
    case "ranking":
      return vectors && areNegated(vectors)
        ? "the score's sign. Python's is the negative of ours: the order of each group is turned."
        : undefined;
    case "multioutput": {
      const wrong = manifest.output.heads
        .map(({ name }) => name)
        .filter((name) =>
          rows.some(({ given, actual }) => {
            const python = getOwnProperty(given.heads ?? {}, name)?.label;
            return python !== undefined && python !== getOwnProperty(actual.heads ?? {}, name)?.label;
          }),
        );
      return wrong.length > 0 && wrong.length < manifest.output.heads.length
        ? `the labels' order of ${wrong.join(", ")}, because the other heads agree: correct it under heads in model.yaml.`
        : undefined;
    }
    default:
      return undefined;
  }
};

/**
 * Words for the likely cause why predictions differ from Python's, and what to do. It tries what explains all rows: another
 * order of labels or values, logits, a scaled target; otherwise it names what usually differs.
 * @param different rows that differ, as indices
 * @param hasTrees whether the graph has decision trees
 */
export const explainDifferences = (
  manifest: Manifest,
  rows: readonly Row[],
  different: readonly number[],
  hasTrees: boolean,
): string => {
  const vectors = readVectors(rows);
  const known =
    explainTask(manifest, rows, vectors) ??
    (vectors && (manifest.task === "classification" ? explainScores(vectors) : explainValues(vectors)));
  if (known !== undefined) return known;
  const labels = findLabelOrder(rows);
  if (labels)
    return `the labels' order. Python's ${[...labels].map(([from, to]) => `${from} is ${to} here`).join(", ")}: give --labels in the order of model.classes_.`;
  if (manifest.task === "embedding" && manifest.output.pooling !== "none")
    return explainEmbedding(manifest.output, rows);
  if (manifest.tokenizer) return explainTexts(manifest, rows, different);
  if (manifest.inputs.some(({ type }) => type === "image"))
    return `preparation of the image. Python may resize, crop or scale in another way than the guess: give what Python does with --image, for example --image "resize: stretch, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]".`;
  const isPartial = different.length < rows.length;
  if (isPartial && hasTrees)
    return "rounding before a decision tree, if only few rows differ. The graph scales a value in float32, Python in double, and a tree takes the other branch: trees need no scaling, so train without the scaler and export again. Otherwise preprocessing outside the graph: compare how Python fills missing values and encodes categories before it calls the model.";
  return isPartial
    ? "preprocessing outside the graph. Only some rows differ: compare how Python fills missing values, encodes categories and scales before it calls the model, and export these steps with the model."
    : "the columns' order, or preprocessing outside the graph. All rows differ: check that the inputs are in the order of training, that scaling and encoding are part of the export, and that --predicted comes from this model.";
};
