import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ExportAdvice } from "#model-folder/onnx/explain-export.ts";
import { explainExport, exportLoaded } from "#model-folder/onnx/explain-export.ts";

const quote = (text: string): string => JSON.stringify(text);

/** The library that an MLmodel names; `python_function` is in each. */
const findFlavor = (mlmodel: string): string | undefined =>
  mlmodel.match(/^ {2}(sklearn|xgboost|lightgbm|catboost|pytorch|onnx|tensorflow|keras|transformers):/m)?.[1];

const fromMlflow = (folder: string, flavor: string | undefined): readonly string[] => {
  const load = (library: string) => `import mlflow; model = mlflow.${library}.load_model(${quote(folder)})`;
  const content = { library: flavor, isDictionary: false, hasColumns: false, step: undefined };
  switch (flavor) {
    case "xgboost":
    case "lightgbm":
    case "catboost":
      return exportLoaded(load(flavor), content);
    case "pytorch":
      return [load(flavor), explainExport({ kind: "torch", form: "script" }, "").lines[1] ?? ""];
    case "keras":
    case "tensorflow":
      return [load(flavor), 'model.export("model.onnx", format="onnx")'];
    case "transformers":
      return hub(join(folder, "model"));
    default:
      return exportLoaded(load("sklearn"), content);
  }
};

const hub = (folder: string): readonly string[] => [
  'pip install "optimum-onnx[onnxruntime]"',
  `optimum-cli export onnx --model ${quote(folder)} onnx`,
];

/** What a folder is that an option names in place of an ONNX file; undefined: it cannot be listed. */
export const identifyFolder = async (folder: string): Promise<ExportAdvice | undefined> => {
  const names = await readdir(folder).catch(() => undefined);
  if (!names) return undefined;
  const onnx = names.filter((name) => name.endsWith(".onnx")).map((name) => join(folder, name));
  if (names.includes("MLmodel")) {
    const flavor = findFlavor(await readFile(join(folder, "MLmodel"), "utf8").catch(() => ""));
    return {
      what: "a model folder of MLflow",
      ...(flavor === "onnx"
        ? { remedy: `Name its ONNX file: ${onnx[0] ?? join(folder, "model.onnx")}.`, lines: [] }
        : { remedy: "Export the model in it in Python:", lines: fromMlflow(folder, flavor) }),
    };
  }
  if (onnx.length > 0)
    return {
      what: "a folder",
      remedy: `Name the ONNX file in it: ${onnx.slice(0, 5).join(" or ")}.`,
      lines: [],
    };
  if (names.includes("saved_model.pb"))
    return {
      what: "a SavedModel of TensorFlow",
      remedy: "Convert it in a shell:",
      lines: [
        "pip install tf2onnx",
        `python -m tf2onnx.convert --saved-model ${quote(folder)} --output model.onnx`,
      ],
    };
  if (names.includes("config.json") && names.some((name) => /\.(safetensors|bin)$/.test(name)))
    return {
      what: "a model folder of the Hugging Face Hub",
      remedy: "Export it in a shell, then name onnx/model.onnx and onnx/tokenizer.json:",
      lines: hub(folder),
    };
  if (names.includes("metadata") && names.some((name) => name === "stages" || name === "data"))
    return {
      what: "a model of Spark ML",
      remedy: "Export it in Python, with the session that trained it:",
      lines: [
        `import onnxmltools; from pyspark.ml import PipelineModel; model = PipelineModel.load(${quote(folder)})`,
        'onnxmltools.utils.save_model(onnxmltools.convert_sparkml(model, "model", initial_types), "model.onnx")',
      ],
    };
  return {
    what: "a folder",
    remedy: `Name the .onnx file of the export, not ${basename(folder)}.`,
    lines: [],
  };
};
