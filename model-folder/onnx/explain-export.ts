import type { FileKind, PickleContent } from "./identify-file.ts";

/** What a file is, and how an ONNX model comes of it. */
export type ExportAdvice = {
  /** `a pickle of scikit-learn`. */
  readonly what: string;
  /** A sentence. */
  readonly remedy: string;
  /** Lines of Python or of a shell that follow the sentence. */
  readonly lines: readonly string[];
};

/** Lines that load a model, and its file or the name of its folder. */
type Load = string;

const toXgboost = (load: Load): readonly string[] => [
  `import joblib, onnxmltools, xgboost; from onnxmltools.convert.common.data_types import FloatTensorType; ${load}`,
  // The converter refuses boosters that know their columns' names.
  'booster = getattr(model, "get_booster", lambda: model)(); booster.feature_names = None; onnxmltools.utils.save_model(onnxmltools.convert_xgboost(model, initial_types=[("X", FloatTensorType([None, booster.num_features()]))]), "model.onnx")',
];
const toLightgbm = (load: Load): readonly string[] => [
  `import joblib, lightgbm, onnxmltools; from onnxmltools.convert.common.data_types import FloatTensorType; ${load}`,
  'onnxmltools.utils.save_model(onnxmltools.convert_lightgbm(model, initial_types=[("X", FloatTensorType([None, getattr(model, "booster_", model).num_feature()]))], zipmap=False), "model.onnx")',
];

/** skl2onnx converts a step of another library after this line. */
const registerStep = (step: NonNullable<PickleContent["step"]>): string => {
  const [library, converter] = step.startsWith("LGBM")
    ? (["lightgbm", "lightgbm.operator_converters.LightGbm import convert_lightgbm"] as const)
    : (["xgboost", "xgboost.operator_converters.XGBoost import convert_xgboost"] as const);
  const kind = step.endsWith("Classifier") ? "classifier" : "regressor";
  const options =
    kind === "classifier" ? ', options={"nocl": [True, False], "zipmap": [True, False, "columns"]}' : "";
  return `import ${library}; from onnxmltools.convert.${converter} as convert; from skl2onnx.common.shape_calculator import calculate_linear_${kind}_output_shapes as shapes; skl2onnx.update_registered_converter(${library}.${step}, "${library === "lightgbm" ? "LightGbm" : "XGBoost"}${step}", shapes, convert${options})`;
};

/**
 * 32-bit floats: with 64-bit floats skl2onnx writes graphs that no runtime reads. The versions are those that every
 * converter of skl2onnx knows (IsolationForest knows no newer ones).
 */
const toSklearn = (
  load: Load,
  { hasColumns, step }: Pick<PickleContent, "hasColumns" | "step">,
): readonly string[] => [
  `import joblib, numpy, skl2onnx; ${load}`,
  ...(step ? [registerStep(step)] : []),
  hasColumns
    ? 'open("model.onnx", "wb").write(skl2onnx.to_onnx(model, X[:1].astype({name: "float32" for name in X.select_dtypes("float64")}), target_opset={"": 17, "ai.onnx.ml": 3}).SerializeToString())  # X: the DataFrame of the training'
    : 'open("model.onnx", "wb").write(skl2onnx.to_onnx(model, numpy.asarray(X[:1], "float32"), target_opset={"": 17, "ai.onnx.ml": 3}).SerializeToString())  # X: the inputs of the training',
];
const toTorch = (load: string): readonly string[] => [
  `import torch; ${load}`,
  'torch.onnx.export(model.eval(), (example,), "model.onnx", dynamo=False, input_names=["X"], dynamic_axes={"X": {0: "N"}})  # example: a tensor of inputs',
];
const inPython = "Export it in Python:";

/** The model of a pickle; of a dictionary the first value that predicts. */
const loadPickle = (file: string, { isDictionary }: Pick<PickleContent, "isDictionary">): Load =>
  isDictionary
    ? `model = next(value for value in joblib.load(${file}).values() if hasattr(value, "predict"))`
    : `model = joblib.load(${file})`;

/** Lines that export the model which the first one loads. */
export const exportLoaded = (load: Load, content: PickleContent): readonly string[] => {
  switch (content.library) {
    case "xgboost":
      return toXgboost(load);
    case "lightgbm":
      return toLightgbm(load);
    case "catboost":
      return [`import joblib; ${load}`, 'model.save_model("model.onnx", format="onnx")'];
    default:
      return toSklearn(load, content);
  }
};

const libraryNames: ReadonlyMap<string | undefined, string> = new Map([
  ["sklearn", "scikit-learn"],
  ["xgboost", "XGBoost"],
  ["lightgbm", "LightGBM"],
  ["catboost", "CatBoost"],
  ["keras", "Keras"],
]);

const explainTorch = (form: "script" | "program" | "module" | "weights", file: string): ExportAdvice => {
  switch (form) {
    case "script":
      return {
        what: "a TorchScript model",
        remedy: inPython,
        lines: toTorch(`model = torch.jit.load(${file})`),
      };
    case "program":
      return {
        what: "a program of torch.export",
        remedy: inPython,
        lines: [
          `import torch; program = torch.export.load(${file})`,
          'torch.onnx.export(program, (), "model.onnx", external_data=False)',
        ],
      };
    case "module":
      return {
        what: "a module that torch.save wrote",
        remedy: "Export it in Python, with the code of its classes:",
        lines: toTorch(`model = torch.load(${file}, weights_only=False)`),
      };
    case "weights":
      return {
        what: "a file of weights that torch.save wrote",
        remedy: "Build the model in Python as its training did, load the weights, and export it:",
        lines: toTorch(`model.load_state_dict(torch.load(${file}))`),
      };
    default:
      return form satisfies never;
  }
};

type PlainKind = Exclude<FileKind, { kind: "pickle" | "compressed" | "torch" | "xgboost" }>["kind"];

const explainPlain = (kind: PlainKind, name: string, file: string): ExportAdvice => {
  const advise = (what: string, remedy: string, lines: readonly string[] = []): ExportAdvice => ({
    what,
    remedy,
    lines,
  });
  const notModel = (what: string) => advise(what, "Name the .onnx file that your export wrote.");
  switch (kind) {
    case "empty":
      return advise("empty", "Export the model again: the export or the copy did not end.");
    case "lfs":
      return advise("a Git LFS pointer", "The file's content was not fetched; fetch it in its repository:", [
        "git lfs install",
        `git lfs pull --include ${JSON.stringify(name)}`,
      ]);
    case "html":
      return advise(
        "a web page",
        "A download that needs a login often ends with one: log in, or use the address of the file itself, and download it again.",
      );
    case "pdf":
      return notModel("a PDF document");
    case "image":
      return notModel("an image");
    case "text":
      return notModel("a text file");
    case "csv":
      return advise("a table (CSV)", "Name the model with --onnx and the table with --data.");
    case "json":
      return notModel("a JSON document");
    case "yaml":
      return notModel("a YAML document");
    case "notebook":
      return notModel("a notebook");
    case "zip":
      return advise("a zip archive", "Unpack it, and name the model inside:", [
        `unzip ${JSON.stringify(name)}`,
      ]);
    case "tar":
      return advise("a tar archive", "Unpack it, and name the model inside:", [
        `tar xf ${JSON.stringify(name)}`,
      ]);
    case "7z":
      return advise("a 7z archive", "Unpack it, and name the model inside:", [
        `7z x ${JSON.stringify(name)}`,
      ]);
    case "xlsx":
    case "xls":
      return notModel("an Excel workbook");
    case "parquet":
      return advise("a Parquet table", "Name the model with --onnx and the table with --data.");
    case "arrow":
      return notModel("an Arrow table");
    case "sqlite":
      return notModel("a SQLite database");
    case "npy":
    case "npz":
      return notModel("an array of numpy");
    case "rds":
      return advise(
        "an object of R",
        "R has no exporter to ONNX for most models: train it in Python, or save an XGBoost or LightGBM model with its own function and export that.",
      );
    case "lightgbm":
      return advise(
        "a model of LightGBM",
        inPython,
        toLightgbm(`model = lightgbm.Booster(model_file=${file})`),
      );
    case "catboost":
      return advise("a model of CatBoost", inPython, [
        `import catboost; model = catboost.CatBoost().load_model(${file}${name.endsWith(".json") ? ', format="json"' : ""})`,
        'model.save_model("model.onnx", format="onnx")',
      ]);
    case "pmml":
      return advise(
        "a PMML document",
        "Nothing converts PMML to ONNX: export the model again with the library that trained it (scikit-learn: skl2onnx, others: onnxmltools).",
      );
    case "openvino":
      return advise("a model of OpenVINO", "Export the model that it was made of to ONNX.");
    case "keras":
    case "hdf5":
      return advise(
        kind === "keras" ? "a Keras model" : "an HDF5 file, as Keras writes models (.h5)",
        inPython,
        [
          `import keras; model = keras.saving.load_model(${file})`,
          'model.export("model.onnx", format="onnx")',
        ],
      );
    case "tflite":
      return advise("a model of TensorFlow Lite", "Convert it in a shell:", [
        "pip install tf2onnx",
        `python -m tf2onnx.convert --tflite ${JSON.stringify(name)} --output model.onnx`,
      ]);
    case "ort":
      return advise(
        "a model in onnxruntime's own format (.ort)",
        "Use the .onnx file that it was converted from.",
      );
    case "safetensors":
      return advise(
        "a safetensors file",
        "It has weights and no graph. Build the model in Python as its training did, load the weights, and export it (a model of the Hugging Face Hub: optimum-cli export onnx --model <folder> <new folder>):",
        toTorch(`import safetensors.torch; model.load_state_dict(safetensors.torch.load_file(${file}))`),
      );
    case "tensorrt":
      return advise(
        "an engine of TensorRT",
        "An engine runs on one kind of graphics card only, and nothing converts it: name the .onnx file that it was built from.",
      );
    case "coreml":
      return advise(
        "a model of Core ML",
        "Nothing converts it to ONNX: export the model again with the library that trained it.",
      );
    case "graph-def":
      return advise("a frozen graph of TensorFlow", "Convert it in a shell, with the names of its tensors:", [
        "pip install tf2onnx",
        `python -m tf2onnx.convert --graphdef ${file} --inputs x:0 --outputs y:0 --output model.onnx`,
      ]);
    case "saved-model":
      return advise(
        "the graph of a SavedModel of TensorFlow",
        "Convert its folder, which also has the weights, in a shell:",
        [
          "pip install tf2onnx",
          "python -m tf2onnx.convert --saved-model <the folder of saved_model.pb> --output model.onnx",
        ],
      );
    case "gguf":
      return advise("a language model in GGUF", "Slipway serves ONNX models: this format has no exporter.");
    case "mojo":
      return advise(
        "a MOJO of H2O",
        "H2O has no exporter to ONNX: train the model with scikit-learn, XGBoost or LightGBM.",
      );
    case "onnx-text":
      return advise("an ONNX model as text", "Write it as protobuf in Python:", [
        `import onnx; model = onnx.load(${file}, format="textproto")`,
        'onnx.save(model, "model.onnx")',
      ]);
    default:
      return kind satisfies never;
  }
};

const unpackCommands = {
  gzip: "gunzip --keep",
  bzip2: "bunzip2 --keep",
  xz: "xz -d --keep",
  Zstandard: "zstd -d",
};

const explainCompressed = (
  found: FileKind & { kind: "compressed" },
  name: string,
  file: string,
): ExportAdvice => {
  const { format, content } = found;
  if (content === "pickle" || /\.(joblib|pkl|pickle)$/i.test(name))
    return {
      what: `a Python pickle, compressed with ${format} as joblib does`,
      remedy: inPython,
      lines: exportLoaded(loadPickle(file, found), found),
    };
  const unpack = format === "zlib" ? undefined : `${unpackCommands[format]} ${file}`;
  return {
    what: `compressed with ${format}`,
    remedy: "Unpack it, and name the model inside:",
    lines: content === "tar" || /\.(tar\.\w+|tgz)$/.test(name) ? [`tar xf ${file}`] : unpack ? [unpack] : [],
  };
};

/**
 * How an ONNX model comes of a file of this kind.
 * @param name the file's name, for the lines
 */
export const explainExport = (found: FileKind, name: string): ExportAdvice => {
  const file = JSON.stringify(name);
  switch (found.kind) {
    case "pickle": {
      const library = libraryNames.get(found.library);
      return {
        what: `a Python pickle${library === undefined ? "" : ` with a model of ${library}`}`,
        remedy: inPython,
        lines: exportLoaded(loadPickle(file, found), found),
      };
    }
    case "compressed":
      return explainCompressed(found, name, file);
    case "xgboost":
      return {
        what: "a model of XGBoost",
        remedy: inPython,
        lines: toXgboost(`model = xgboost.${found.estimator}(); model.load_model(${file})`),
      };
    case "torch":
      return explainTorch(found.form, file);
    default:
      return explainPlain(found.kind, name, file);
  }
};
