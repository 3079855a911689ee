import type { ExportAdvice } from "#model-folder/onnx/explain-export.ts";
import { NewModelRefused } from "./new-model-refused.ts";

/** The refusal of a file that is something else: what it is, what to do, and the lines that do it. */
export const refuseFile = (
  file: string,
  wanted: string,
  { what, remedy, lines }: ExportAdvice,
): NewModelRefused =>
  new NewModelRefused(
    `${file} is ${what}, not ${wanted}`,
    [remedy, ...lines.map((line) => `    ${line}`)].join("\n"),
  );
