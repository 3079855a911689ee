import type { HttpProblem } from "./http-problem.ts";
import type { ModelInputs } from "./max-json-values.ts";
import { readJson, readText } from "./read-body.ts";

const quote = 34;
const backslash = 92;

/** Replaces the numbers that only Python's json writes, outside of strings, with valid JSON. */
const replacePythonNumbers = (text: string): string => {
  const pieces: string[] = [];
  let copied = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString && code === backslash) index++;
    else if (code === quote) inString = !inString;
    else if (!inString) {
      const word =
        code === 78 && text.startsWith("NaN", index)
          ? "NaN"
          : code === 73 && text.startsWith("Infinity", index)
            ? "Infinity"
            : "";
      if (word === "") continue;
      pieces.push(text.slice(copied, index), word === "NaN" ? "null" : "1e999");
      copied = index + word.length;
      index = copied - 1;
    }
  }
  return [...pieces, text.slice(copied)].join("");
};

/**
 * Parses JSON of a Python client. The clients of MLflow, Triton and KServe write missing numbers as NaN, which is not valid
 * JSON and becomes null. Infinity stays infinite, so that the check of the rows refuses it with a pointer.
 */
export const readPythonJson = (
  bytes: Uint8Array,
  model: ModelInputs,
): { readonly json: unknown } | HttpProblem => {
  const result = readJson(bytes, model);
  if ("json" in result) return result;
  const text = readText(bytes);
  return typeof text === "string" && /NaN|Infinity/.test(text)
    ? readJson(Buffer.from(replacePythonNumbers(text)), model)
    : result;
};
