import type { Probe } from "./probe-model.ts";

type Output = Pick<Probe["outputs"][number], "data" | "widths">;

/** The cells of one row of an output. @param rows how many rows the run had */
export const readRowCells = ({ data, widths }: Output, row: number, rows: number): Output["data"] => {
  if (!widths) return data.slice((row * data.length) / rows, ((row + 1) * data.length) / rows);
  const start = widths.slice(0, row).reduce((sum, width) => sum + width, 0);
  return data.slice(start, start + (widths[row] ?? 0));
};
