import { bindInputs } from "#model-folder/onnx/bind-inputs.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { listInputRanges } from "#model-folder/onnx/list-input-ranges.ts";
import type { InferredInput } from "./infer-input.ts";

/** Keeps a guessed range within the table of the graph that the input selects rows of; the data's own values stay. */
export const limitToTables = (
  { inputs, indexRanges }: Pick<OnnxSummary, "inputs" | "indexRanges">,
  inferred: readonly InferredInput[],
): readonly InferredInput[] => {
  if (indexRanges.length === 0) return inferred;
  const bound = bindInputs({ inputs: inferred.map(({ input }) => input) }, inputs);
  if (bound.status === "mismatched") return inferred;
  const ranges = new Map(listInputRanges(bound.columns, indexRanges).map((range) => [range.input, range]));
  return inferred.map((each): InferredInput => {
    const { input } = each;
    const range = ranges.get(input);
    if (!range || (input.type !== "integer" && input.type !== "number" && input.type !== "tensor"))
      return each;
    const { size } = range;
    // The data may count from the table's end; otherwise the range is the table's.
    const min = input.min !== undefined && input.min < 0 ? Math.max(input.min, -size) : 0;
    return {
      ...each,
      input: { ...input, min, max: size - 1 },
      remark: [each.remark, `the model's table has rows 0 to ${size - 1}`]
        .filter((text) => text !== "")
        .join("; "),
    };
  });
};
