import { expect, test } from "vitest";
import { inferClassification } from "./infer-classification.ts";

type Evidence = Parameters<typeof inferClassification>[0];
const infer = (
  rows: readonly (readonly number[])[] | undefined,
  truth: readonly string[],
  predicted: readonly string[] | undefined,
  changes: Partial<Evidence> = {},
) =>
  inferClassification({
    scores: rows && { name: "scores", type: "float32", rows, width: rows[0]?.length ?? 0 },
    labelOutput: predicted && { name: "label", predicted },
    truth,
    known: [...new Set(truth)],
    stored: [],
    given: undefined,
    positive: undefined,
    ...changes,
  });

test("a threshold of its own makes the label output the label, beside the probabilities", () => {
  const output = infer(
    [
      [0.7, 0.3],
      [0.9, 0.1],
    ],
    ["yes", "no"],
    ["yes", "no"],
  );
  expect(output).toMatchObject({ labels: ["no", "yes"], scores: "probabilities", labelOutput: "label" });
  expect(output.scoredGuesses).toContainEqual(
    expect.objectContaining({ subject: "label", alternative: expect.stringContaining("1 of 2 rows") }),
  );
});

test("a label output that is always the highest score is not needed", () => {
  const output = infer(
    [
      [0.2, 0.8],
      [0.9, 0.1],
    ],
    ["yes", "no"],
    ["yes", "no"],
  );
  expect(output).not.toHaveProperty("labelOutput");
  expect(output).toMatchObject({ labels: ["no", "yes"], scores: "probabilities" });
});

test("one raw value per pair of labels is no score of a label", () => {
  const truth = ["a", "b", "c", "d"];
  const rows = truth.map(() => [1, -2, 3, -1, 2, -3]);
  expect(infer(rows, truth, truth)).toMatchObject({ labels: truth, scores: "none", labelOutput: "label" });
  const numbers = ["0", "1", "2", "3"];
  expect(infer(rows, numbers, numbers)).toMatchObject({ labels: numbers, scores: "none" });
});

test("values of more than two labels on one line are no scores", () => {
  const output = infer([[-2], [0], [5]], ["low", "middle", "high"], ["low", "middle", "high"]);
  expect(output).toMatchObject({ labels: ["high", "low", "middle"], scores: "none", labelOutput: "label" });
});

test("codes of the target's words number the scores, or are refused where they do not", () => {
  const words = ["no", "yes"];
  expect(
    infer(
      [
        [2, -2],
        [-2, 2],
      ],
      words,
      ["0", "1"],
    ),
  ).toMatchObject({ labels: words, scores: "decision" });
  expect(infer([[-2], [2]], words, ["-1", "1"])).toMatchObject({
    labels: words,
    positive: "yes",
    scores: "decision",
  });
  expect(() =>
    infer(
      [
        [2, -2],
        [-2, 2],
      ],
      words,
      ["1", "0"],
    ),
  ).toThrow(
    "the graph's label output label says 0, 1, the target has no, yes, and the highest value of scores is not that label. Write the target with the labels that the graph returns.",
  );
  expect(() => infer(undefined, words, ["0", "1"])).toThrow(
    "Write the target with the labels that the graph returns.",
  );
});

test("raw values without a label output are logits; --positive must be a label", () => {
  expect(
    infer(
      [
        [2, -1],
        [-1, 2],
      ],
      ["a", "b"],
      undefined,
    ),
  ).toMatchObject({ scores: "logits" });
  expect(() =>
    infer(
      [
        [2, -1],
        [-1, 2],
      ],
      ["a", "b"],
      undefined,
      { positive: "c" },
    ),
  ).toThrow("--positive c is not one of the labels a, b");
  expect(() => infer([[-1], [1]], ["0", "1"], ["0", "1"], { positive: "0" })).toThrow("above 0 for 1");
});

test("--scores decides what raw values are, and is no guess", () => {
  const rows = [
    [2, -2],
    [-2, 2],
  ];
  const truth = ["no", "yes"];
  const guessed = infer(rows, truth, undefined);
  expect(guessed.scores).toBe("logits");
  expect(guessed.scoredGuesses).toContainEqual(
    expect.objectContaining({ subject: "scores", alternative: expect.stringContaining("--scores decision") }),
  );
  const decided = infer(rows, truth, undefined, { scoreKind: "decision" });
  expect(decided.scores).toBe("decision");
  expect(decided.scoredGuesses.map(({ subject }) => subject)).not.toContain("scores");
});

test("a target of many integers for few values names --quantiles and several targets", () => {
  const truth = ["100", "200", "300", "400"];
  expect(() =>
    infer(
      truth.map(() => [1, 2, 3]),
      truth,
      undefined,
    ),
  ).toThrow(/--quantiles.*a --target for each value/);
});

test.each([
  ["1 to 3", ["1", "2", "3"]],
  ["2, 7 and 30", ["2", "7", "30"]],
])("codes of the integers %s are no labels, although some have the same digits", (_, truth) => {
  const rows = [
    [0.8, 0.1, 0.1],
    [0.1, 0.8, 0.1],
    [0.1, 0.1, 0.8],
  ];
  const output = infer(rows, truth, ["0", "1", "2"], { stored: [["0", "1", "2"]] });
  expect(output).toMatchObject({ labels: truth, scores: "probabilities" });
  expect(output).not.toHaveProperty("labelOutput");
});
