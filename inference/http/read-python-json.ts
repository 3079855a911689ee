import type { HttpProblem } from "./http-problem.ts";
import type { ModelInputs } from "./max-json-values.ts";
import { readJson, readText } from "./read-body.ts";

const quote = 34;
const backslash = 92;

/** What Python's json writes for numbers that JSON does not have, outside of texts, as JSON that means the same. */
const replacePythonNumbers = (text: string): string => {
  const pieces: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted && code === backslash) at++;
    else if (code === quote) quoted = !quoted;
    else if (!quoted) {
      const word =
        code === 78 && text.startsWith("NaN", at)
          ? "NaN"
          : code === 73 && text.startsWith("Infinity", at)
            ? "Infinity"
            : "";
      if (word === "") continue;
      pieces.push(text.slice(from, at), word === "NaN" ? "null" : "1e999");
      from = at + word.length;
      at = from - 1;
    }
  }
  return [...pieces, text.slice(from)].join("");
};

/**
 * Bytes as JSON of a Python client: those of MLflow, Triton and KServe write missing numbers as NaN, which is no JSON and
 * here null. Infinity stays one, for the model's check to refuse where it stands.
 */
export const readPythonJson = (
  bytes: Uint8Array,
  model: ModelInputs,
): { readonly json: unknown } | HttpProblem => {
  const read = readJson(bytes, model);
  if ("json" in read) return read;
  const text = readText(bytes);
  return typeof text === "string" && /NaN|Infinity/.test(text)
    ? readJson(Buffer.from(replacePythonNumbers(text)), model)
    : read;
};
