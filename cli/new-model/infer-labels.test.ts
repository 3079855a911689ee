import { expect, test } from "vitest";
import { inferBinaryLabels, inferLabels } from "./infer-labels.ts";

const width = 3;
/** One row per index, which scores highest. */
const rowsOf = (indexes: readonly number[], columns = width) =>
  indexes.map((index) => Array.from({ length: columns }, (_, at) => (at === index ? 1 : 0)));
const infer = (truth: readonly string[], indexes: readonly number[], changes = {}) =>
  inferLabels({
    scores: rowsOf(indexes),
    truth,
    known: [...new Set(truth)],
    stored: [],
    predicted: undefined,
    given: undefined,
    ...changes,
  });

test("integers from 0 keep their order, whatever the rows say, and the guess has both agreements", () => {
  const { labels, guess } = infer(["0", "1", "2", "2"], [1, 0, 2, 2]);
  expect(labels).toEqual(["0", "1", "2"]);
  expect(guess).toMatchObject({
    isDoubtful: true,
    choice: expect.stringContaining("they agree with 50.0 % of the rows"),
    alternative: expect.stringContaining("the order 1, 0, 2 would agree with 100.0 %"),
  });
});

test("a distance's label output does not turn integers", () => {
  const { labels } = infer(["0", "1", "2"], [2, 0, 1], { predicted: ["0", "1", "2"] });
  expect(labels).toEqual(["0", "1", "2"]);
});

test.each([
  [
    ["0", "1"],
    ["0", "1", "2"],
  ],
  [
    ["2", "3"],
    ["1", "2", "3"],
  ],
  [
    ["7", "9"],
    ["7", "8", "9"],
  ],
])("integers %j among three scores are %j", (truth, labels) => {
  expect(infer(truth, [0, 1]).labels).toEqual(labels);
});

test("integers with gaps that can be filled in two ways are a question", () => {
  expect(() => infer(["10", "11"], [0, 1])).toThrow("--labels a,b,c");
});

test("text is sorted; the graph's own list and label output give the order where they fit", () => {
  const truth = ["a", "b", "c"];
  expect(infer(truth, [2, 1, 0]).labels).toEqual(["a", "b", "c"]);
  expect(infer(truth, [2, 1, 0], { stored: [["c", "b", "a"]] })).toEqual({
    labels: ["c", "b", "a"],
    integers: false,
  });
  expect(infer(truth, [2, 1, 0], { predicted: truth })).toEqual({ labels: ["c", "b", "a"], integers: false });
});

test("a label output that is not the highest score in one row gives no order", () => {
  const truth = ["a", "b", "c", "a"];
  expect(infer(truth, [2, 1, 0, 0], { predicted: truth }).labels).toEqual(["a", "b", "c"]);
});

test("one score belongs to the second label, and a better order is only said", () => {
  const truth = ["broken", "running", "running"];
  const evidence = {
    scores: [[0.9], [0.1], [0.2]],
    truth,
    known: ["broken", "running"],
    stored: [],
    predicted: undefined,
    given: undefined,
  };
  const guessed = inferBinaryLabels(evidence, { cut: 0.5, positive: undefined });
  expect(guessed.labels).toEqual(["broken", "running"]);
  expect(guessed.guess).toMatchObject({
    isDoubtful: true,
    alternative: expect.stringContaining(`--labels "running,broken"`),
  });
  expect(inferBinaryLabels(evidence, { cut: 0.5, positive: "broken" })).toEqual({
    labels: ["running", "broken"],
    integers: false,
  });
});
