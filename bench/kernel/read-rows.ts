import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Rows that the training script writes for each shape. */
export const maxRows = 10_000;

/** The rows of a trained shape, row-major. */
export const readRows = (folder: string): { readonly values: Float32Array; readonly features: number } => {
  const bytes = readFileSync(join(folder, "rows.f32"));
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  return { values, features: values.length / maxRows };
};
