import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { encodeRows, maxRows } from "./encode-rows.ts";
import type { RowProblem } from "./row-problem.ts";

const toColumnElement = (input: Input): Column["feed"]["element"] => {
  if (input.type === "string" && input.format === "int64") return "int64";
  return input.type === "category" || input.type === "string" ? "string" : "float64";
};

/** Checks any number of rows against the manifest, by the same rules as for requests. */
export const checkRows = (manifest: Pick<Manifest, "inputs">) => {
  const encode = encodeRows(
    manifest.inputs.map((input) => ({
      input,
      feed: { name: input.name, element: toColumnElement(input), rank: 2, width: 1 },
      offset: 0,
    })),
  );
  return (rows: readonly unknown[]): RowProblem[] => {
    const problems: RowProblem[] = [];
    for (let start = 0; start < rows.length && problems.length < 100; start += maxRows) {
      const result = encode(rows.slice(start, start + maxRows));
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
