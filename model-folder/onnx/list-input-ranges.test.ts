import { describe, expect, test } from "vitest";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { bindInputs } from "./bind-inputs.ts";
import { listInputRanges } from "./list-input-ranges.ts";

const { inputs } = buildManifest({
  inputs: [{ name: "ids", type: "tensor", element: "int64", shape: [3] }],
});
const findSizes = (sizes: readonly number[]): readonly number[] => {
  const bound = bindInputs({ inputs }, [{ name: "ids", kind: "tensor", type: "int64", shape: [null, 3] }]);
  const ranges = sizes.map((size, column) => ({ input: "ids", column, size, operator: "Gather" }));
  return listInputRanges(bound.status === "bound" ? bound.columns : [], ranges).map(({ size }) => size);
};

describe("the range of a tensor", () => {
  test("is that of the smallest table that its values select from", () => {
    expect(findSizes([50, 8, 20])).toEqual([8]);
  });

  test("is open where one of its values selects from no table", () => {
    expect(findSizes([50, 8])).toEqual([]);
  });
});
