import { arrayShape } from "#model-folder/manifest/array-shape.ts";
import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { encodeRowGroups } from "./encode-row-groups.ts";
import { maxRows } from "./encode-rows.ts";
import { limitRows } from "./limit-rows.ts";
import type { RowProblem } from "./row-problem.ts";

const toFeed = (input: Input): Column["feed"] => {
  const { name } = input;
  if (input.type === "tensor") {
    const shape = arrayShape(input);
    const width = shape.reduce<number>((product, size) => product * (size ?? 1), 1);
    return { name, element: input.element, rank: 2, width, shape };
  }
  if (input.type === "string" && input.format === "int64")
    return { name, element: "int64", rank: 2, width: 1 };
  const isText = input.type === "category" || input.type === "string" || input.type === "image";
  return { name, element: isText ? "string" : "float64", rank: 2, width: 1 };
};

/** Checks any number of rows against the manifest, by the same rules as for requests. */
export const checkRows = (manifest: Pick<Manifest, "inputs">) => {
  const encode = encodeRowGroups(
    manifest.inputs.map((input) => ({
      input,
      feed: toFeed(input),
      offset: 0,
    })),
  );
  const step = limitRows(manifest.inputs, maxRows);
  return (rows: readonly unknown[]): RowProblem[] => {
    const problems: RowProblem[] = [];
    for (let start = 0; start < rows.length && problems.length < 100; start += step) {
      const result = encode(rows.slice(start, start + step));
      if (result.status === "invalid")
        problems.push(
          ...result.problems.map((problem) =>
            problem.row === undefined ? problem : { ...problem, row: problem.row + start },
          ),
        );
    }
    return problems;
  };
};
