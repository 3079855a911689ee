import { constants, gunzipSync, inflateSync } from "node:zlib";
import { parseLfsPointer } from "#model-folder/manifest/parse-lfs-pointer.ts";
import { hasGraph, listTopFields } from "./list-top-fields.ts";

/** What the names in a pickle say about its model. */
export type PickleContent = {
  readonly library: string | undefined;
  /** A dictionary, for example of the model and its columns. */
  readonly isDictionary: boolean;
  /** A ColumnTransformer, which takes columns by name and of several types. */
  readonly hasColumns: boolean;
  /** A model of another library inside a pipeline of scikit-learn. */
  readonly step: (typeof steps)[number] | undefined;
};

/** Kinds of files that people have beside ONNX models. */
export type FileKind =
  | ({ readonly kind: "pickle" } & PickleContent)
  | ({
      readonly kind: "compressed";
      readonly format: "gzip" | "bzip2" | "xz" | "Zstandard" | "zlib";
      readonly content: "pickle" | "tar" | "unknown";
    } & PickleContent)
  | { readonly kind: "torch"; readonly form: "script" | "program" | "module" | "weights" }
  | { readonly kind: "xgboost"; readonly estimator: "XGBClassifier" | "XGBRegressor" | "XGBRanker" }
  | {
      readonly kind:
        | ("empty" | "lfs" | "html" | "pdf" | "image" | "text" | "csv" | "json" | "yaml" | "notebook")
        | ("zip" | "tar" | "7z" | "xlsx" | "xls" | "parquet" | "arrow" | "sqlite" | "npy" | "npz" | "rds")
        | ("lightgbm" | "catboost" | "pmml" | "openvino" | "keras" | "hdf5" | "tflite" | "ort")
        | (
            | "safetensors"
            | "gguf"
            | "mojo"
            | "onnx-text"
            | "tensorrt"
            | "coreml"
            | "saved-model"
            | "graph-def"
          );
    };

const libraries = [
  "sklearn",
  "xgboost",
  "lightgbm",
  "catboost",
  "torch",
  "keras",
  "pandas",
  "numpy",
] as const;

const steps = ["LGBMClassifier", "LGBMRegressor", "XGBClassifier", "XGBRegressor"] as const;

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** The class that loads a saved booster, by its objective. */
const findEstimator = (bytes: Uint8Array) => {
  const [objective] =
    view(bytes)
      .toString("latin1")
      .match(/\b(reg|count|survival|rank):[a-z]/) ?? [];
  if (objective === undefined) return "XGBClassifier";
  return objective.startsWith("rank") ? "XGBRanker" : "XGBRegressor";
};

/** The library that a pickle names first: that of its outermost object. */
const findLibrary = (bytes: Uint8Array): string | undefined => {
  const content = view(bytes);
  const [first] = libraries
    .map((library) => ({ library, at: content.indexOf(library) }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at);
  return first?.library;
};

const emptyDictionary = 0x7d;

const readPickle = (bytes: Uint8Array): PickleContent => {
  const library = findLibrary(bytes);
  const has = (name: string): boolean => view(bytes).includes(name);
  // The first object follows the protocol and, since protocol 4, the length of a frame.
  const [, , frame] = bytes;
  return {
    library,
    isDictionary:
      bytes[frame === 0x95 ? 11 : 2] === emptyDictionary ||
      /^\(dp/.test(view(bytes.subarray(0, 3)).toString("latin1")),
    hasColumns: has("ColumnTransformer"),
    step: library === "sklearn" ? steps.find(has) : undefined,
  };
};

/** Protocols 2 to 5 start with their number; protocol 0 with the class. */
const isPickle = (bytes: Uint8Array): boolean => {
  const [first, protocol = 0] = bytes;
  if (first === 0x80 && protocol >= 2 && protocol <= 5) return bytes.at(-1) === 0x2e || bytes.length > 4;
  return /^(c[\w.]+\n[\w.]+\n|\(lp|\(dp)/.test(view(bytes.subarray(0, 200)).toString("latin1"));
};

/** A pickled module has the dictionary of its parts. */
const findTorchForm = (bytes: Uint8Array) => (view(bytes).includes("_modules") ? "module" : "weights");

const identifyPickle = (bytes: Uint8Array): FileKind => {
  const content = readPickle(bytes);
  // torch.save before version 1.6.
  return content.library === "torch"
    ? { kind: "torch", form: findTorchForm(bytes) }
    : { kind: "pickle", ...content };
};

/** The first bytes of compressed content; undefined where they cannot be read. */
const inflateStart = (bytes: Uint8Array, format: "gzip" | "zlib"): Uint8Array | undefined => {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 ** 20 };
  try {
    const start = bytes.subarray(0, 100_000);
    return format === "gzip" ? gunzipSync(start, options) : inflateSync(start, options);
  } catch {
    return undefined;
  }
};

/** Names of a zip's entries, as far as its first megabyte and its directory at the end have them. */
const listZipNames = (bytes: Uint8Array): readonly string[] => {
  const content = view(bytes);
  const names: string[] = [];
  const start = Math.max(0, content.length - 2 ** 20);
  for (let at = content.indexOf("PK\u0001\u0002", start); at >= 0 && names.length < 1_000; ) {
    const length = at + 30 <= content.length ? content.readUInt16LE(at + 28) : 0;
    names.push(content.toString("utf8", at + 46, at + 46 + length));
    at = content.indexOf("PK\u0001\u0002", at + 46);
  }
  return names;
};

const identifyZip = (bytes: Uint8Array): FileKind => {
  const names = listZipNames(bytes);
  const has = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  if (has(/^xl\//)) return { kind: "xlsx" };
  if (has(/(^|\/)archive_format$|\/models\/model\.json$/)) return { kind: "torch", form: "program" };
  if (has(/(^|\/)data\.pkl$/))
    return { kind: "torch", form: has(/(^|\/)constants\.pkl$/) ? "script" : findTorchForm(bytes) };
  if (has(/^(model\.weights\.h5|metadata\.json)$/) && has(/^config\.json$/)) return { kind: "keras" };
  if (has(/^model\.ini$/)) return { kind: "mojo" };
  return { kind: names.length > 0 && names.every((name) => name.endsWith(".npy")) ? "npz" : "zip" };
};

const startsWith = (bytes: Uint8Array, text: string, at = 0): boolean =>
  view(bytes.subarray(at, at + text.length)).toString("latin1") === text;

/** Formats by their first bytes. */
const signatures: readonly (readonly [
  string,
  FileKind["kind"] &
    (
      | (
          | "parquet"
          | "arrow"
          | "sqlite"
          | "npy"
          | "hdf5"
          | "catboost"
          | "gguf"
          | "pdf"
          | "image"
          | "xls"
          | "7z"
        )
      | "tensorrt"
    ),
])[] = [
  ["PAR1", "parquet"],
  ["ARROW1", "arrow"],
  ["SQLite format 3\0", "sqlite"],
  ["\u0093NUMPY", "npy"],
  ["\u0089HDF\r\n", "hdf5"],
  ["CBM1", "catboost"],
  ["GGUF", "gguf"],
  ["%PDF", "pdf"],
  ["\u0089PNG", "image"],
  ["\u00ff\u00d8\u00ff", "image"],
  ["\u00d0\u00cf\u0011\u00e0", "xls"],
  ["7z\u00bc\u00af", "7z"],
  // A plan of TensorRT, and one of its older versions.
  ["ftrt", "tensorrt"],
  ["ptrt", "tensorrt"],
];

const identifyJson = (text: string): FileKind => {
  if (/"(learner|gradient_booster)"\s*:/.test(text))
    return { kind: "xgboost", estimator: findEstimator(Buffer.from(text, "latin1")) };
  if (/"(tree_info|num_tree_per_iteration)"\s*:/.test(text) && /"feature_names"\s*:/.test(text))
    return { kind: "lightgbm" };
  if (/"(oblivious_trees|features_info)"\s*:/.test(text)) return { kind: "catboost" };
  return { kind: /"nbformat"|"cells"\s*:/.test(text) ? "notebook" : "json" };
};

const identifyText = (text: string): FileKind | undefined => {
  const start = text.replace(/^\u00ef\u00bb\u00bf/, "").trimStart();
  if (/^<(!doctype html|html|head|body)/i.test(start)) return { kind: "html" };
  if (/^<\?xml|^<PMML/.test(start)) {
    if (/<PMML/.test(start)) return { kind: "pmml" };
    return { kind: /<net\b/.test(start) ? "openvino" : /<html/i.test(start) ? "html" : "text" };
  }
  // A header may start with a bracket too: `[rpm], [bar]`.
  if (/^\{\s*["}]|^\[\s*(["[{\]-]|\d)/.test(start)) return identifyJson(start);
  if (/^tree\r?\nversion=/.test(start)) return { kind: "lightgbm" };
  if (/^ir_version:|^\s*<\s*ir_version/.test(start)) return { kind: "onnx-text" };
  const [header = "", first = ""] = start.split(/\r?\n/, 2);
  const delimiter = [",", ";", "\t", "|"].find((each) => header.includes(each));
  if (delimiter && header.split(delimiter).length === first.split(delimiter).length) return { kind: "csv" };
  if (/^(---|[\w-]+:( |\r?\n))/.test(start)) return { kind: "yaml" };
  return { kind: "text" };
};

const isText = (start: Buffer): boolean => {
  const text = start.toString("latin1");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a binary file has
  return !/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text);
};

const tarMagic = 257;
const maxJsonBytes = 256 * 1_024 * 1_024;
const isSafetensors = (bytes: Uint8Array): boolean => {
  if (bytes.length < 10 || bytes[8] !== 0x7b) return false;
  const length = view(bytes).readBigUInt64LE(0);
  return (
    length > 1n &&
    length < BigInt(bytes.length) &&
    /^\{\s*"/.test(view(bytes.subarray(8, 40)).toString("latin1"))
  );
};

const identifyCompressed = (bytes: Uint8Array): FileKind | undefined => {
  const [first, second] = bytes;
  const describe = (
    format: "gzip" | "bzip2" | "xz" | "Zstandard" | "zlib",
    start: Uint8Array = new Uint8Array(),
  ): FileKind => {
    if (/^(RDX|RDA|X\n)/.test(view(start.subarray(0, 4)).toString("latin1"))) return { kind: "rds" };
    const content = isPickle(start) ? "pickle" : startsWith(start, "ustar", tarMagic) ? "tar" : "unknown";
    return { kind: "compressed", format, content, ...readPickle(start) };
  };
  if (first === 0x1f && second === 0x8b) return describe("gzip", inflateStart(bytes, "gzip"));
  if (startsWith(bytes, "BZh")) return describe("bzip2");
  if (startsWith(bytes, "\u00fd7zXZ")) return describe("xz");
  if (startsWith(bytes, "(\u00b5/\u00fd")) return describe("Zstandard");
  if (first === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(second ?? 0)) {
    const start = inflateStart(bytes, "zlib");
    return start && describe("zlib", start);
  }
  return undefined;
};

/**
 * Messages without ONNX's graph. Sources: CoreML's Model.proto (1: version, 2: description, 300 and more: the kinds of
 * models), TensorFlow's saved_model.proto (1: version, 2: graphs) and graph.proto (1: nodes).
 */
const identifyMessage = (bytes: Uint8Array): FileKind | undefined => {
  const fields = listTopFields(bytes);
  const [first, second] = fields ?? [];
  if (!fields || hasGraph(fields) || first?.field !== 1) return undefined;
  if (first.isMessage)
    return view(bytes.subarray(0, 100_000)).includes("Placeholder") ? { kind: "graph-def" } : undefined;
  if (fields.some(({ field }) => field >= 200)) return { kind: "coreml" };
  return second?.field === 2 && view(bytes).includes("serving_default") ? { kind: "saved-model" } : undefined;
};

/**
 * Says what a file is that is no ONNX model, by its content; undefined: it may be one. It reads the start of the file, the
 * directory of a zip and the names in a pickle, and runs nothing.
 */
export const identifyFile = (bytes: Uint8Array): FileKind | undefined => {
  if (bytes.length === 0) return { kind: "empty" };
  if (parseLfsPointer(bytes).kind !== "content") return { kind: "lfs" };
  if (isPickle(bytes)) return identifyPickle(bytes);
  if (startsWith(bytes, "PK\u0003\u0004")) return identifyZip(bytes);
  const compressed = identifyCompressed(bytes);
  if (compressed) return compressed;
  const signature = signatures.find(([text]) => startsWith(bytes, text));
  if (signature) return { kind: signature[1] };
  if (startsWith(bytes, "TFL3", 4)) return { kind: "tflite" };
  if (startsWith(bytes, "ORTM", 4)) return { kind: "ort" };
  if (startsWith(bytes, "ustar", tarMagic)) return { kind: "tar" };
  if (isSafetensors(bytes)) return { kind: "safetensors" };
  // XGBoost's binary JSON: an object whose first key has a 64-bit length.
  if (startsWith(bytes, "{L") && view(bytes.subarray(0, 64)).includes("learner"))
    return { kind: "xgboost", estimator: findEstimator(bytes) };
  const start = view(bytes.subarray(0, 100_000));
  if (!isText(start)) return identifyMessage(bytes);
  // XGBoost writes the objective at the end of its JSON.
  const text = start.toString("latin1");
  return identifyText(text.startsWith("{") ? view(bytes.subarray(0, maxJsonBytes)).toString("latin1") : text);
};
