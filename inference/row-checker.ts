import type { Column } from "./bind-inputs.ts";
import { encodeRows, maxRows, type RowProblem } from "./encode-rows.ts";
import type { Manifest } from "./manifest.ts";

/** A problem of one row; `input` is undefined where the row itself is none. */
export type RowFinding = {
  readonly row: number;
  readonly input: string | undefined;
  readonly detail: string;
};

const column = (input: Manifest["inputs"][number]): Column => ({
  input,
  rank: 2,
  element: input.type === "category" || input.type === "string" ? "string" : "float64",
});

const finding = ({ pointer, detail }: RowProblem, offset: number): RowFinding => {
  const [, , row, ...name] = pointer.split("/");
  return {
    row: Number(row ?? 0) + offset,
    input: name.length > 0 ? name.join("/").replaceAll("~1", "/").replaceAll("~0", "~") : undefined,
    detail,
  };
};

/** Checks rows against the manifest alone, by the rules that the service has for requests, however many rows there are. */
export const rowChecker = (manifest: Pick<Manifest, "inputs">) => {
  const encode = encodeRows(manifest.inputs.map(column));
  return (rows: readonly unknown[]): RowFinding[] => {
    const found: RowFinding[] = [];
    for (let from = 0; from < rows.length && found.length < 100; from += maxRows) {
      const encoded = encode(rows.slice(from, from + maxRows));
      if (encoded.status === "invalid")
        found.push(...encoded.problems.map((problem) => finding(problem, from)));
    }
    return found;
  };
};
