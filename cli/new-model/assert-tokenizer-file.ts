import { type ExportAdvice, explainExport } from "#model-folder/onnx/explain-export.ts";
import { identifyFile } from "#model-folder/onnx/identify-file.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { refuseFile } from "./refuse-file.ts";

const save = [
  "from transformers import AutoTokenizer",
  'AutoTokenizer.from_pretrained("<name or folder of the model>").save_pretrained("tokenizer")  # writes tokenizer/tokenizer.json',
];
const remedy = "Write tokenizer.json in Python:";

const tryParse = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
};

/** What a JSON document beside tokenizer.json is; undefined: it may be one. */
const identifyJson = (content: unknown): string | undefined => {
  if (!isJsonObject(content)) return "JSON without an object";
  if ("model" in content) return undefined;
  if ("tokenizer_class" in content || "model_max_length" in content)
    return "tokenizer_config.json: it has the tokenizer's settings, not its vocabulary";
  if ("architectures" in content || "model_type" in content) return "the model's config.json";
  const values = Object.values(content);
  return values.length > 0 && values.every((value) => typeof value === "number")
    ? "a vocabulary (vocab.json)"
    : "JSON without the tokenizer's model";
};

const identify = (bytes: Uint8Array, name: string): ExportAdvice | undefined => {
  const other = (what: string): ExportAdvice => ({ what, remedy, lines: save });
  const content = tryParse(bytes);
  if (content !== undefined) {
    const what = identifyJson(content);
    return what === undefined ? undefined : other(what);
  }
  const found = identifyFile(bytes);
  switch (found?.kind) {
    case "empty":
      return other("empty");
    case "lfs":
    case "html":
      return explainExport(found, name);
    case "json":
      return other("broken JSON, perhaps cut off");
    case "pickle":
      return other("a Python pickle");
    case "text":
    case "csv":
    case "yaml":
      return other("a text file: a vocabulary (vocab.txt) or merges (merges.txt)");
    case undefined:
      return other("binary: a SentencePiece model (tokenizer.model, spiece.model) looks so");
    default:
      return other("a file of another kind");
  }
};

/** Throws NewModelRefused where the file is no tokenizer.json, with the lines that write one. */
export const assertTokenizerFile = (bytes: Uint8Array, name: string): void => {
  const advice = identify(bytes, name);
  if (advice) throw refuseFile(name, "a tokenizer.json", advice);
};
