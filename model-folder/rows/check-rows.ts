import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { encodeRows, maxRows } from "./encode-rows.ts";
import type { RowProblem } from "./row-problem.ts";

const toColumnElement = (input: Input): Column["feed"]["element"] =>
  input.type === "category" || input.type === "string" ? "string" : "float64";

/** Checks rows against the manifest alone, by the rules that the service has for requests, however many rows there are. */
export const checkRows = (manifest: Pick<Manifest, "inputs">) => {
  const encode = encodeRows(
    manifest.inputs.map((input) => ({
      input,
      feed: { name: input.name, element: toColumnElement(input), rank: 2, width: 1 },
      offset: 0,
    })),
  );
  return (rows: readonly unknown[]): RowProblem[] => {
    const found: RowProblem[] = [];
    for (let from = 0; from < rows.length && found.length < 100; from += maxRows) {
      const encoded = encode(rows.slice(from, from + maxRows));
      if (encoded.status === "invalid")
        found.push(
          ...encoded.problems.map((problem) =>
            problem.row === undefined ? problem : { ...problem, row: problem.row + from },
          ),
        );
    }
    return found;
  };
};
