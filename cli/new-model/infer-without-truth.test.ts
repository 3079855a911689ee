import { expect, test } from "vitest";
import { inferWithoutTruth } from "./infer-without-truth.ts";

test("several numbers per row without a target: the refusal names the tasks that take them", () => {
  const outputs = {
    floats: [
      { name: "variable", type: "float32" as const, width: 2, data: [1, 2, 3, 4], isStacked: false, rank: 2 },
    ],
    labels: [],
  };
  const evidence = {
    graph: { outputs: [], classLabels: [] },
    outputs,
    rows: 2,
    targets: new Map(),
    options: {},
  };
  expect(() => inferWithoutTruth(evidence)).toThrow(
    /variable: 2 per row.*--task embedding for vectors, --task tensors/,
  );
});
