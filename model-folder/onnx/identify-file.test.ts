import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { floatType, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { explainExport } from "./explain-export.ts";
import { identifyFile } from "./identify-file.ts";
import { inspectOnnx } from "./inspect-onnx.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");
const pickle = (module: string) =>
  latin1(`\u0080\u0004\u0095\u0010\0\0\0\0\0\0\0\u008c\u0018${module}\u0094.`);
/** A zip's directory, which is all that is read of it. */
const zip = (...names: string[]) =>
  Buffer.concat([
    latin1("PK\u0003\u0004"),
    ...names.map((name) => {
      const head = Buffer.alloc(46);
      head.write("PK\u0001\u0002", "latin1");
      head.writeUInt16LE(name.length, 28);
      return Buffer.concat([head, latin1(name)]);
    }),
  ]);
const tar = Buffer.concat([Buffer.alloc(257, "a"), latin1("ustar\0"), Buffer.alloc(300)]);
const pointer = latin1(`version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\nsize 12\n`);

test.each([
  ["nothing", Buffer.alloc(0), "empty", []],
  [
    "a pickle of scikit-learn",
    pickle("sklearn.ensemble"),
    "pickle with a model of scikit-learn",
    ["skl2onnx.to_onnx"],
  ],
  ["a pickle of XGBoost", pickle("xgboost.sklearn"), "model of XGBoost", ["convert_xgboost"]],
  ["a pickle of LightGBM", pickle("lightgbm.sklearn"), "model of LightGBM", ["convert_lightgbm"]],
  ["a pickle of CatBoost", pickle("catboost.core"), "model of CatBoost", ['format="onnx"']],
  ["a pickle of protocol 0", latin1("ccopy_reg\n_reconstructor\nsklearn"), "scikit-learn", ["skl2onnx"]],
  ["joblib's zlib", deflateSync(pickle("sklearn.svm")), "compressed with zlib as joblib", ["joblib.load"]],
  [
    "joblib's gzip",
    gzipSync(pickle("lightgbm.sklearn")),
    "compressed with gzip as joblib",
    ["convert_lightgbm"],
  ],
  ["gzip", gzipSync("anything"), "compressed with gzip", ["gunzip --keep"]],
  ["a tar in gzip", gzipSync(tar), "compressed with gzip", ["tar xf"]],
  ["a tar", tar, "tar archive", ["tar xf"]],
  ["a zip", zip("model.onnx"), "zip archive", ["unzip"]],
  ["a workbook", zip("[Content_Types].xml", "xl/workbook.xml"), "Excel workbook", []],
  ["weights of torch", zip("m/data.pkl", "m/data/0"), "weights that torch.save wrote", ["load_state_dict"]],
  ["TorchScript", zip("m/data.pkl", "m/constants.pkl"), "TorchScript model", ["torch.jit.load"]],
  ["Keras", zip("metadata.json", "config.json", "model.weights.h5"), "Keras model", ["keras.saving"]],
  ["HDF5", latin1("\u0089HDF\r\n\u001a\n"), "HDF5", ["keras.saving"]],
  ["TFLite", latin1("\u001c\0\0\0TFL3\0"), "TensorFlow Lite", ["tf2onnx.convert --tflite"]],
  [
    "safetensors",
    Buffer.concat([latin1("\u0010\0\0\0\0\0\0\0"), latin1('{"w":{"dtype":"F32"}}    ')]),
    "safetensors",
    ["safetensors.torch"],
  ],
  ["CatBoost", latin1("CBM1\u0008\0\0\0"), "model of CatBoost", ["catboost.CatBoost().load_model"]],
  [
    "XGBoost's JSON",
    latin1('{"learner":{"objective":{"name":"reg:squarederror"}}}'),
    "model of XGBoost",
    ["xgboost.XGBRegressor()"],
  ],
  [
    "XGBoost's UBJ",
    latin1("{L\0\0\0\0\0\0\0\u0007learner{L"),
    "model of XGBoost",
    ["xgboost.XGBClassifier()"],
  ],
  ["LightGBM's text", latin1("tree\nversion=v4\nnum_class=1\n"), "model of LightGBM", ["model_file="]],
  ["PMML", latin1('<?xml version="1.0"?>\n<PMML version="4.4">'), "PMML document", []],
  ["a CSV", latin1("a,b\n1,2\n"), "table (CSV)", []],
  ["an engine of TensorRT", latin1("ftrt\0\0\0\0\u0001"), "engine of TensorRT", []],
  ["Core ML", Buffer.from([0x08, 4, 0x12, 0, 0xe2, 0x12, 0]), "model of Core ML", []],
  [
    "TensorFlow's frozen graph",
    Buffer.concat([Buffer.from([0x0a, 16, 0x0a, 1]), latin1("x\u0012\u000bPlaceholder")]),
    "frozen graph of TensorFlow",
    ["--graphdef"],
  ],
  [
    "a SavedModel's graph",
    Buffer.concat([Buffer.from([0x08, 1, 0x12, 15]), latin1("serving_default")]),
    "graph of a SavedModel",
    ["--saved-model"],
  ],
  ["a page", latin1("<!DOCTYPE html>\n<html>"), "web page", []],
  ["a pointer", pointer, "Git LFS pointer", ["git lfs pull"]],
] as const)("%s is named, with the lines that make an ONNX model of it", (_, bytes, what, lines) => {
  const found = identifyFile(bytes);
  const advice = found && explainExport(found, "it");
  expect(advice?.what).toContain(what);
  expect(advice?.remedy).toMatch(/^[A-Z].*[.:]$/);
  for (const line of lines) expect(advice?.lines.join("\n")).toContain(line);
  // A check of a model's folder gets the same answer.
  expect(() => inspectOnnx(bytes)).toThrow(bytes.length === 0 ? "is empty" : "not an ONNX model");
});

test("an ONNX model, whole or cut off, is nothing else", () => {
  const onnx = writeOnnx({
    graph: {
      nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
      inputs: [{ name: "x", type: floatType, shape: ["N", 1] }],
      outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
    },
  });
  for (let length = 1; length <= onnx.length; length++)
    expect(identifyFile(onnx.subarray(0, length))).toBeUndefined();
});
