import { describe, expect, test } from "vitest";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { guessMixture } from "./infer-clustering.ts";
import { inferTask } from "./infer-task.ts";
import { readGraphOutputs } from "./read-graph-outputs.ts";
import type { TaskEvidence, TaskOptions } from "./task-evidence.ts";

type Output = {
  readonly type: "float32" | "int64";
  readonly data: readonly (number | string)[];
  readonly width?: number;
  /** Whether the graph declares the shape; by default it does. */
  readonly isOpen?: boolean;
};

/** What `inferTask` gets of a graph with these outputs for these targets. */
const see = (
  outputs: Readonly<Record<string, Output>>,
  targets: Readonly<Record<string, readonly string[]>> = {},
  options: Partial<TaskOptions> = {},
  classLabels: TaskEvidence["graph"]["classLabels"] = [],
): TaskEvidence => {
  const values = Object.entries(outputs).map(
    ([name, { type, width = 1, isOpen }]): GraphValue => ({
      name,
      kind: "tensor",
      type,
      shape: isOpen ? null : [null, width],
    }),
  );
  const [first] = Object.values(outputs);
  const rows = (first?.data.length ?? 0) / (first?.width ?? 1);
  return {
    graph: { outputs: values, classLabels },
    outputs: readGraphOutputs(
      values,
      Object.entries(outputs).map(([name, { data }]) => ({ name, data: [...data] })),
      rows,
    ),
    rows,
    targets: new Map(Object.entries(targets)),
    options: { task: undefined, group: undefined, quantiles: undefined, ...options },
  };
};
const float = (data: readonly number[], width = 1): Output => ({ type: "float32", data, width });
const int = (...data: number[]): Output => ({ type: "int64", data: data.map(String) });

const detector = { label: int(1, -1, 1, 1), scores: float([0.5, -0.25, 0.5, 0.75]) };

describe("an outlier detector", () => {
  test("is an anomaly, also without a target", () => {
    expect(inferTask(see(detector))).toMatchObject({
      task: "anomaly",
      output: { graphOutput: "scores", labelOutput: "label", normal: 1, anomaly: -1, anomalyIs: "low" },
      truth: [],
    });
  });

  test.each([
    ["its own labels", ["1", "-1", "-1", "1"], ["1", "-1", "-1", "1"]],
    ["flags", ["0", "1", "0", "0"], ["1", "-1", "1", "1"]],
    ["words, of which the rarer one is the anomaly", ["ok", "ok", "fraud", "ok"], ["1", "1", "-1", "1"]],
  ])("takes a target of %s", (_, target, truth) => {
    expect(inferTask(see(detector, { target }))?.truth).toEqual([truth]);
  });

  test("of which the target is the score is a regression of that score", () => {
    expect(inferTask(see(detector, { target: ["0.5", "-0.25", "0.5", "0.75"] }))).toMatchObject({
      task: "regression",
      output: { name: "target", graphOutputs: ["scores"] },
    });
  });

  test("whose higher scores are anomalous says so", () => {
    const inverted = { ...detector, scores: float([0, 9, 0, 1]) };
    expect(inferTask(see(inverted))?.output).toMatchObject({ anomalyIs: "high" });
  });

  test("with a score alone gets the threshold with the highest F1 from a target, and is refused without one", () => {
    const score = { error: float([0.1, 3, 0.2, 0.15]) };
    expect(inferTask(see(score, { odd: ["0", "1", "0", "0"] }, { task: "anomaly" }))?.output).toMatchObject({
      threshold: 1.6,
      anomalyIs: "high",
    });
    expect(() => inferTask(see(score, {}, { task: "anomaly" }))).toThrow(/Add --target/);
  });

  test("with labels 0 and 1 keeps them where the caller says that it is an anomaly", () => {
    const flagged = { label: int(0, 1, 0, 0), scores: float([0.1, 9, 0.2, 12]) };
    const target = ["ok", "fraud", "ok", "ok"];
    expect(inferTask(see(flagged, { target }, { task: "anomaly" }))).toMatchObject({
      output: { labelOutput: "label", normal: 0, anomaly: 1, anomalyIs: "high" },
      truth: [["0", "1", "0", "0"]],
    });
    expect(() => inferTask(see(flagged))).toThrow(/--task: anomaly/);
  });

  test("never turns the target to fit: the guess says that the other way round agrees with more rows", () => {
    const target = ["0", "1", "0", "0"];
    expect(inferTask(see(detector, { target }))?.scoredGuesses).toHaveLength(2);
    const turned = inferTask(see(detector, { target: ["1", "0", "1", "1"] }));
    expect(turned?.truth).toEqual([["-1", "1", "-1", "-1"]]);
    expect(turned?.scoredGuesses).toContainEqual({
      subject: "target",
      choice: "1 is the anomaly (-1) and 0 is normal (1); the graph's own labels agree in 0 of 4 rows",
      alternative: 'the other way round they agree in 4 rows: --positive "0"',
      isDoubtful: true,
    });
    expect(inferTask(see(detector, { target: ["1", "0", "1", "1"] }, { positive: "0" }))).toMatchObject({
      truth: [["1", "-1", "1", "1"]],
    });
  });

  test("is a classification where the caller says so", () => {
    expect(
      inferTask(see(detector, { target: ["1", "-1", "1", "1"] }, { task: "classification" })),
    ).toBeUndefined();
  });
});

describe("a clustering", () => {
  const distances = [1, 9, 9, 9, 1, 9, 9, 9, 1];
  const clusters = { label: int(0, 1, 2), scores: float(distances, 3) };

  test("is known by a label that is the nearest of its distances", () => {
    expect(inferTask(see(clusters, { cluster: ["0", "1", "1"] }))).toMatchObject({
      task: "clustering",
      output: { labels: [0, 1, 2], labelOutput: "label", distances: "scores" },
      truth: [["0", "1", "1"]],
    });
  });

  test("with a target of other values is refused with what to do, never permuted", () => {
    expect(() => inferTask(see(clusters, { kind: ["cat", "dog", "cat"] }))).toThrow(
      /--ignore <column> in place of --target/,
    );
  });

  test("of likeliest shares is one without a target; with a target it may be a classification", () => {
    const mixture = { label: int(0, 1), probabilities: float([0.9, 0.1, 0.25, 0.75], 2) };
    expect(inferTask(see(mixture))).toMatchObject({
      task: "clustering",
      output: { probabilities: "probabilities" },
    });
    expect(inferTask(see(mixture, { target: ["0", "1"] }))).toBeUndefined();
    expect(guessMixture(see(mixture, { target: ["0", "1"] }))).toMatchObject([
      { subject: "task", alternative: expect.stringContaining("--task clustering") },
    ]);
    expect(guessMixture(see(mixture))).toEqual([]);
    const rounded = { label: int(0, 1), p: float([1.0000001192092896, 0, 0.25, 0.75], 2) };
    expect(inferTask(see(rounded))?.output).toMatchObject({ probabilities: "p" });
    expect(inferTask(see(mixture, { target: ["0", "1"] }, { task: "clustering" }))?.task).toBe("clustering");
  });

  test("is no classifier that stores its labels", () => {
    const classLabels = [{ type: "integer", labels: ["0", "1", "2"] }] as const;
    expect(inferTask(see(clusters, { target: ["0", "1", "2"] }, {}, classLabels))).toBeUndefined();
  });
});

describe("several labels", () => {
  const scores = { probabilities: float([0.9, 0.1, 0.2, 0.8, 0.7, 0.3, 0.1, 0.9], 2) };
  const a = ["1", "0", "1", "0"];
  const b = ["0", "1", "0", "1"];

  test("are named by the targets, in their order", () => {
    const inferred = inferTask(see(scores, { a, b }));
    expect(inferred).toMatchObject({
      task: "multilabel",
      output: { labels: ["a", "b"], graphOutputs: ["probabilities"] },
      truth: [a, b],
    });
    expect(inferred?.scoredGuesses?.some(({ isDoubtful }) => isDoubtful)).toBe(false);
  });

  test("in another order than the graph's are kept, and the better order is said with both scores", () => {
    const inferred = inferTask(see(scores, { b, a }));
    expect(inferred?.output).toMatchObject({ labels: ["b", "a"] });
    expect(inferred?.scoredGuesses).toContainEqual({
      subject: "labels",
      choice: "b, a, in the order of --target (F1 macro 0.00)",
      alternative:
        "the order a, b would have F1 macro 1.00: repeat --target in that order if the model was trained so",
      isDoubtful: true,
    });
  });

  test("of a forest are probabilities, although float32 sums end above 1", () => {
    const above = 1.0000001192092896;
    const columns = { p: float([above, 0, 0, 1, above, 0, 0, above], 2) };
    const own: Output = { type: "int64", data: ["1", "0", "0", "1", "1", "0", "0", "1"], width: 2 };
    expect(inferTask(see({ ...columns, own }, { a, b }))?.output).not.toHaveProperty("scores");
    const pair = (flags: readonly string[]) =>
      float(
        flags.flatMap((flag) => (flag === "1" ? [0, above] : [above, 0])),
        2,
      );
    expect(inferTask(see({ first: pair(a), second: pair(b) }, { a, b }))).toMatchObject({
      task: "multilabel",
      output: { graphOutputs: ["first", "second"] },
    });
  });

  test("are [labels, N, 2] also where the graph declares no shape", () => {
    const flags = [a, b].flatMap((cells) =>
      cells.flatMap((cell) => (cell === "1" ? [0.25, 0.75] : [0.75, 0.25])),
    );
    const stacked = { probabilities: { ...float(flags, 4), isOpen: true } };
    const inferred = inferTask(see(stacked, { a, b }));
    expect(inferred).toMatchObject({ task: "multilabel", output: { labels: ["a", "b"] } });
    expect(inferred?.scoredGuesses).toContainEqual(
      expect.objectContaining({ subject: "labels", choice: expect.stringContaining("F1 macro 1.00") }),
    );
  });

  test("of more than two values are heads, also if they are numbers", () => {
    const size = float([0.8, 0.1, 0.1, 0.1, 0.8, 0.1, 0.1, 0.1, 0.8], 3);
    const kind = float([0.8, 0.2, 0.3, 0.7, 0.9, 0.1], 2);
    expect(inferTask(see({ size, kind }, { size: ["0", "1", "2"], kind: ["0", "1", "0"] }))).toMatchObject({
      task: "multioutput",
      output: {
        heads: [
          { name: "size", labels: [0, 1, 2] },
          { name: "kind", labels: [0, 1] },
        ],
      },
    });
  });

  test("with values beyond 0 and 1 are logits, or the decision function of a graph with its own labels", () => {
    const raw = float([2, -1, -2, 1], 2);
    const targets = { a: ["1", "0"], b: ["0", "1"] };
    expect(inferTask(see({ raw }, targets))?.output).toMatchObject({ scores: "logits" });
    const own: Output = { type: "int64", data: ["1", "0", "0", "1"], width: 2 };
    expect(inferTask(see({ raw, own }, targets))?.output).toMatchObject({ scores: "decision" });
  });

  test("need flags in all targets: two measured values are a regression, whatever the graph's width", () => {
    expect(inferTask(see(scores, { a, b: ["0.5", "1", "0", "2"] }))).toBeUndefined();
    expect(() => inferTask(see(scores, { a, b: ["x", "1", "0", "1"] }, { task: "multilabel" }))).toThrow(
      /Write 0 and 1/,
    );
  });
});

describe("a regression with more than one value for one target", () => {
  const demand = Array.from({ length: 40 }, (_, row) => String(row + 0.5));

  test("of increasing values is one of quantiles, by the share of targets below each", () => {
    const yhat = float(
      demand.flatMap((_, row) =>
        row < 4
          ? [row + 1, row + 2, row + 3]
          : row < 20
            ? [row, row + 2, row + 3]
            : row < 36
              ? [row, row + 0.25, row + 3]
              : [row, row + 0.25, row + 0.4],
      ),
      3,
    );
    expect(inferTask(see({ yhat }, { demand }))).toMatchObject({
      task: "regression",
      output: {
        names: ["demand_q10", "demand_q50", "demand_q90"],
        quantiles: [0.1, 0.5, 0.9],
        graphOutputs: ["yhat"],
      },
    });
    expect(inferTask(see({ yhat }, { demand }))?.scoredGuesses).toMatchObject([
      { subject: "quantiles", isDoubtful: true },
    ]);
    expect(inferTask(see({ yhat }, { demand }, { quantiles: [0.05, 0.5, 0.95] }))?.output).toMatchObject({
      quantiles: [0.05, 0.5, 0.95],
    });
  });

  test("with as many --quantiles as the graph has no values for is refused", () => {
    expect(() =>
      inferTask(see({ y: float([1, 2]) }, { demand: ["1.5", "2"] }, { quantiles: [0.1, 0.9] })),
    ).toThrow(/--quantiles has 2 levels/);
  });

  test("of a value and an output named as a deviation has a deviation", () => {
    const outputs = { GPmean: float([1.5, 2]), GPcovstd: float([0.5, 0.25]) };
    expect(inferTask(see(outputs, { demand: ["1", "2.5"] }))).toMatchObject({
      output: { name: "demand", deviation: "demand_std", graphOutputs: ["GPmean", "GPcovstd"] },
    });
  });

  test("of scores for few labels stays a classification", () => {
    expect(inferTask(see({ logits: float([1, 2, 3, 1, 2, 3], 3) }, { y: ["0", "2"] }))).toBeUndefined();
  });
});

describe("a ranking", () => {
  const score = { variable: float([1, 2]) };
  test("is one by its group", () => {
    expect(inferTask(see(score, { relevance: ["0", "3"] }, { group: "query" }))).toMatchObject({
      task: "ranking",
      output: { graphOutput: "variable", group: "query", at: 10 },
    });
  });
  test("needs its group and relevances from 0", () => {
    expect(() => inferTask(see(score, { relevance: ["0", "3"] }, { task: "ranking" }))).toThrow(/--group/);
    expect(() => inferTask(see(score, { relevance: ["-1", "3"] }, { group: "query" }))).toThrow(
      /no relevance/,
    );
  });
});

describe("without a target", () => {
  test("a classifier that stores its labels is served with them", () => {
    const classLabels = [{ type: "string", labels: ["no", "yes"] }] as const;
    expect(inferTask(see({ p: float([0.25, 0.75], 2) }, {}, {}, classLabels))).toMatchObject({
      task: "classification",
      output: { labels: ["no", "yes"] },
      truth: [],
    });
  });
  test("one number per row is a regression by the output's name", () => {
    expect(inferTask(see({ variable: float([1, 2]) }))).toMatchObject({
      task: "regression",
      output: { name: "variable" },
    });
  });
  test("a graph that does not say what its numbers mean is refused", () => {
    expect(() => inferTask(see({ p: float([3, 1], 2) }))).toThrow(/Add --target/);
  });
});
