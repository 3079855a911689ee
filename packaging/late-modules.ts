import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin } from "esbuild";

/** The functions of a module that may be called late, by the module's path in the repository. */
type LateModules = ReadonlyMap<string, readonly string[]>;

/**
 * What the inference function does not need before it has a model and has predicted a row, by the name of the file that
 * holds it. The first call of one of these functions loads its file, in 1 ms; at the start, code costs 1 ms for each 15 KB.
 */
export const lateFiles: ReadonlyMap<string, LateModules> = new Map([
  [
    "late-request",
    new Map([
      ["lambdas/predict/predict.ts", ["predict"]],
      ["worlds/aws/predict/process-output.ts", ["createErrorLog", "reportMetrics"]],
      ["worlds/aws/predict/record-storage.ts", ["createRecordStorage"]],
      ["worlds/aws/predict/records-hash-key.ts", ["createHashKeyReader"]],
      ["inference/records/create-records.ts", ["createRecords"]],
      ["inference/openapi/read-example-row.ts", ["readExampleRow"]],
      ["inference/model/predict-columns.ts", ["createColumnPath"]],
      ["inference/model/find-index-problems.ts", ["findIndexProblems"]],
    ]),
  ],
  [
    "late-sums",
    new Map([
      ["inference/model/compiled/run-dense.ts", ["prepareDense"]],
      ["inference/model/compiled/run-bounds.ts", ["checkOutput", "prepareBound"]],
    ]),
  ],
  ["late-checks", new Map([["inference/model/compiled/kernel/check-layout.ts", ["checkLayout"]]])],
  [
    "late-tasks",
    new Map([
      ["inference/model/read-anomalies.ts", ["readAnomalies"]],
      ["inference/model/read-clusters.ts", ["readClusters"]],
      ["inference/model/read-embeddings.ts", ["readEmbeddings"]],
      ["inference/model/read-entities.ts", ["readEntities"]],
      ["inference/model/read-heads.ts", ["readHeads"]],
      ["inference/model/read-label-sets.ts", ["readLabelSets"]],
      ["inference/model/read-tensors.ts", ["readTensors"]],
      ["model-folder/manifest/list-score-names.ts", ["listScoreNames"]],
      ["model-folder/onnx/find-anomaly-output.ts", ["findAnomalyOutput"]],
      ["model-folder/onnx/find-array-outputs.ts", ["findHeadOutputs", "findTensorOutputs"]],
      ["model-folder/onnx/find-clustering-output.ts", ["findClusteringOutput"]],
      ["model-folder/onnx/find-embedding-output.ts", ["findEmbeddingOutput"]],
      ["model-folder/onnx/find-entities-output.ts", ["findEntitiesOutput"]],
      ["model-folder/onnx/find-multilabel-output.ts", ["findMultilabelOutput"]],
    ]),
  ],
  [
    "late-arrays",
    new Map([
      ["inference/model/create-sample-image.ts", ["createSampleImage"]],
      ["inference/model/create-sample-tensor.ts", ["createSampleTensor"]],
      ["model-folder/rows/check-image.ts", ["checkImage"]],
      ["model-folder/rows/encoded-bytes.ts", ["decodeBase64", "readEncoded"]],
      ["model-folder/rows/write-array.ts", ["createArrayWriter"]],
    ]),
  ],
]);

const entryNamespace = "late-file";
const ofFile = "?of-late-file";

/** The entry points of the late files, for a build with `lateModulesPlugin`. */
export const lateEntryPoints: Readonly<Record<string, string>> = Object.fromEntries(
  [...lateFiles.keys()].map((name) => [name, `${entryNamespace}:${name}`]),
);

/** `require` is that of the bundle. In parentheses, so that esbuild does not resolve the path. */
const writeStub = (file: string, names: readonly string[]): string =>
  [
    "let file;",
    `const load = () => (file ??= (0, require)("./${file}.mjs"));`,
    ...names.map((name) => `export const ${name} = (...values) => load().${name}(...values);`),
  ].join("\n");

/**
 * Replaces each late module by functions that load its file when they are called, at once and not as a promise: so the code
 * decides nothing by what a start loads. esbuild refuses an import of anything else that such a module exports.
 * @param root the repository's folder
 */
export const lateModulesPlugin = (root: string): Plugin => ({
  name: "late-modules",
  setup({ onResolve, onLoad }) {
    const files = new Map(
      [...lateFiles].flatMap(([file, modules]) =>
        [...modules].map(([path, names]) => [join(root, path), { file, names }] as const),
      ),
    );
    onResolve({ filter: new RegExp(`^${entryNamespace}:`) }, ({ path }) => ({
      path: path.slice(entryNamespace.length + 1),
      namespace: entryNamespace,
    }));
    onLoad({ filter: /.*/, namespace: entryNamespace }, ({ path }) => ({
      contents: [...(lateFiles.get(path) ?? [])]
        .map(
          ([module, names]) =>
            `export { ${names.join(", ")} } from ${JSON.stringify(join(root, module) + ofFile)};`,
        )
        .join("\n"),
      resolveDir: root,
    }));
    onResolve({ filter: /\?of-late-file$/ }, ({ path }) => ({
      path: path.slice(0, -ofFile.length),
      suffix: ofFile,
    }));
    onLoad({ filter: /\.ts$/ }, async ({ path, suffix }) => {
      const late = files.get(path);
      if (late === undefined) return undefined;
      return suffix === ofFile
        ? { contents: await readFile(path, "utf8"), loader: "ts" }
        : { contents: writeStub(late.file, late.names), loader: "js" };
    });
  },
});
