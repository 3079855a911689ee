import { expect, test } from "vitest";
import { formatPrediction } from "./format-prediction.ts";

test.each([
  ["a label", { label: "stay" }, "stay"],
  ["labels", { labels: ["a", "b"] }, "a, b"],
  ["no labels", { labels: [] }, "no label"],
  ["a value", { value: 1.5 }, "1.5"],
  [
    "entities",
    {
      entities: [
        { label: "PER", score: 0.98765, text: "Anna", start: 0, end: 4 },
        { label: "LOC", score: 1, text: "Paris", start: 8, end: 13 },
      ],
    },
    "Anna PER 0.9877; Paris LOC 1.0000",
  ],
  ["no entities", { entities: [] }, "no entity"],
  [
    "an embedding",
    { tensors: { embedding: [0.1, 0.2, 0.3, 0.4, 0.5] } },
    "embedding [0.1000, 0.2000, 0.3000, 0.4000, …] (5 numbers)",
  ],
  [
    "heads and a matrix",
    {
      heads: { colour: { label: "red", scores: {} } },
      tensors: {
        mask: [
          [1, 0],
          [0, 1],
        ],
      },
    },
    "colour red; mask (4 values)",
  ],
])("shows %s", (_, prediction, line) => {
  expect(formatPrediction(prediction)).toBe(line);
});
