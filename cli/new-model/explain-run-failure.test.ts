import { expect, test } from "vitest";
import { explainRunFailure } from "./explain-run-failure.ts";

test.each([
  "ONNX Runtime refuses the model: Type Error: Type (tensor(float)) of output arg (probabilities) of node (Softmax) does not match expected type (tensor(double)).",
  "ONNX Runtime refuses the model: Type Error: Type (tensor(double)) of output arg (variable) of node (TreeEnsembleRegressor) does not match expected type (tensor(float)).",
])(
  "a graph that mixes floats says how to export it, and shows none of the runtime's own text: %s",
  (message) => {
    const refused = explainRunFailure(message);
    expect(refused.message).toMatch(/mixes 32-bit and 64-bit floats.*astype\("float32"\)/);
    expect(refused.message).not.toContain("Type Error");
  },
);

test("an unknown cause keeps its words", () => {
  expect(explainRunFailure("it stopped").message).toMatch(
    /^the model does not run on the CSV's rows: it stopped\. /,
  );
});
