import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { PredictResponse } from "#inference/native/predict-response.ts";
import { Golden } from "#model-folder/manifest/manifest.ts";
import { findGoldenDifferences } from "#model-folder/rows/compare-golden.ts";
import { parseEmf } from "#platform/metrics/parse-emf.ts";
import { readImages } from "#test/support/images/read-images.ts";
import { readChurnGolden, readChurnManifest, readChurnYaml } from "#test/support/onnx/churn-folder.ts";
import { writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { writeRuntimeBundle } from "#test/support/write-bundle.ts";
import { bundleRuntime } from "./bundle-runtime.ts";
import { createModelPlan } from "./create-model-plan.ts";
import { lateFiles } from "./late-modules.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const run = (program: string, env: Record<string, string>): Promise<string[]> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (errors += chunk));
    child.once("close", (code) =>
      code === 0 ? resolve(output.trim().split("\n")) : reject(new Error(errors)),
    );
  });

test("the bundle does not depend on what the exports of Node's modules are in this process", async () => {
  const first = await bundleRuntime();
  // Platforms, versions and what a process has loaded change them.
  const changed = ["node:process", "process", "node:fs", "node:crypto"].map((name) =>
    Object(process.getBuiltinModule(name)),
  );
  for (const module of changed) Object.assign(module, { addedByATest: 1 });
  try {
    expect(await bundleRuntime()).toEqual(first);
  } finally {
    for (const module of changed) Reflect.deleteProperty(module, "addedByATest");
  }
});

test("the bundle is deterministic, contains no path of this machine, and lists its packages", async () => {
  const [first, second] = await Promise.all([bundleRuntime(), bundleRuntime()]);
  const names = [...first.files.keys()].filter((name) => !/^part-[A-Z0-9]{8}\.mjs$/.test(name));
  expect(names.sort()).toEqual([
    "index.mjs",
    "kernel.wasm",
    ...[...lateFiles.keys()].map((name) => `${name}.mjs`).sort(),
    "mozjpeg_dec.wasm",
    "scan.wasm",
    "start.mjs",
    "tokenizers.wasm",
  ]);
  expect(second).toEqual(first);
  const text = [...first.files]
    .filter(([name]) => !name.endsWith(".wasm"))
    .map(([, file]) => new TextDecoder().decode(file))
    .join("\n");
  expect(text).not.toContain(root);
  expect(text).not.toContain("/node_modules/");
  const packages = first.packages.map(({ name }) => name);
  expect(packages.filter((name) => !/^@(aws|aws-sdk|smithy)\//.test(name))).toEqual([
    "@jsquash/jpeg",
    "bowser",
    "fast-png",
    "fflate",
    "hono",
    "iobuffer",
    "mnemonist",
    "obliterator",
    "onnxruntime-common",
    "onnxruntime-node",
    "pbf",
    "yaml",
    "zod",
    "tokenizers",
  ]);
  for (const { version, license } of first.packages) expect([version, license]).not.toContain("UNKNOWN");
});

test("a cold start loads no AWS client, no schema, no YAML and nothing that only a request needs, and the whole bundle stays small", async () => {
  const { files } = await bundleRuntime();
  const text = (name: string) => new TextDecoder().decode(files.get(name));
  const code = [...files.keys()].filter((name) => name.endsWith(".mjs"));
  const loaded = new Set<string>();
  const load = (name: string) => {
    if (loaded.has(name)) return;
    loaded.add(name);
    for (const [, part = ""] of text(name).matchAll(/(?:from|import)\s*"\.\/([\w-]+\.mjs)"/g)) load(part);
  };
  load("index.mjs");
  expect([...loaded], "a module costs half a millisecond of each cold start").toEqual([
    "index.mjs",
    "start.mjs",
  ]);
  // An import statement of a module of Node's reads each of its exports: getters of node:fs load streams.
  expect(code.filter((name) => /(?:from|import)\s*"node:/.test(text(name)))).toEqual([]);
  const loadedCode = [...loaded].map(text).join("\n");
  expect(loadedCode.includes("RECORDS_TABLE")).toBe(true);
  const allCode = code.map(text).join("\n");
  for (const name of [
    '"DynamoDBClient"',
    '"S3Client"',
    '"SSMClient"',
    '"$ZodType"',
    "YAMLParseError",
    "node:crypto",
    "node:zlib",
    // Protocols, problems, records, metrics, images.
    "x-request-id",
    "urn:slipway:problem",
    "storageWarning",
    "CloudWatchMetrics",
    "is not a valid JPEG",
  ])
    expect([name, loadedCode.includes(name), allCode.includes(name)]).toEqual([name, false, true]);
  expect(Buffer.byteLength(loadedCode)).toBeLessThan(72_000);
  expect(
    [...loadedCode].every((character) => character <= "\u00ff"),
    "V8 would keep two bytes for each",
  ).toBe(true);
  expect(Buffer.byteLength(allCode)).toBeLessThan(2_500_000);
});

test("the bundled handler returns churn's golden predictions from its plan, with neither onnxruntime nor anything else beside it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-bundle-"));
  try {
    await writeRuntimeBundle(folder);
    await cp(join(root, "models", "churn"), join(folder, "model"), { recursive: true });
    const onnx = await readFile(join(root, "models", "churn", "model.onnx"));
    const open = async function* () {
      yield onnx;
    };
    const artifact = { size: onnx.length, sha256: "", open };
    await writeFile(join(folder, "model", "model.plan"), await createModelPlan({ manifest: {}, artifact }));
    const manifest = JSON.stringify(readChurnManifest());
    await writeFile(join(folder, "model", "manifest.json"), manifest);
    const golden = Golden.parse(readChurnGolden());
    const lines = await run(
      `const before = new Set(process.moduleLoadList);
       const { handler } = await import(${JSON.stringify(pathToFileURL(join(folder, "index.mjs")).href)});
       console.log(JSON.stringify(process.moduleLoadList.filter((name) => !before.has(name))));
       console.log(JSON.stringify(await handler(${JSON.stringify({ rows: golden.rows })})));`,
      {
        SLIPWAY_MODEL: "churn",
        SLIPWAY_MODEL_VERSION: "1",
        SLIPWAY_DIGEST: `sha256:${"a".repeat(64)}`,
        SLIPWAY_ENVIRONMENT: "stage",
      },
    );
    expect(lines).toHaveLength(3);
    // An empty function that reads its own path loads the same.
    expect(JSON.parse(lines[0] ?? "")).toEqual(["NativeModule internal/modules/esm/initialize_import_meta"]);
    const metrics = parseEmf(lines[1] ?? "");
    expect(metrics).toMatchObject({
      model: "churn",
      environment: "stage",
      version: "$LATEST",
      failed: false,
    });
    const response = PredictResponse.parse(JSON.parse(lines[2] ?? ""));
    expect(metrics?.scores).toHaveLength(Math.min(20, golden.rows.length));
    for (const score of metrics?.scores ?? [])
      expect(response.predictions.map(({ scores }) => Number(scores.churn?.toPrecision(6)))).toContain(score);
    expect(findGoldenDifferences(golden, response.predictions)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("the bundled handler decodes images with nothing of their packages beside it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-bundle-"));
  try {
    await writeRuntimeBundle(folder);
    await mkdir(join(folder, "model"));
    await mkdir(join(folder, "node_modules"));
    for (const name of ["onnxruntime-node", "onnxruntime-common"])
      await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
    const { images } = readImages();
    const shape = ["N", 2, 2, 3];
    await writeFile(
      join(folder, "model", "model.onnx"),
      writeOnnx({
        graph: {
          nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
          inputs: [{ name: "x", type: 2, shape }],
          outputs: [{ name: "y", type: 2, shape }],
        },
      }),
    );
    const manifest = {
      ...parse(readChurnYaml()),
      task: "tensors",
      inputs: [
        {
          name: "x",
          type: "image",
          width: 2,
          height: 2,
          resize: "stretch",
          layout: "NHWC",
          element: "uint8",
        },
      ],
      output: { tensors: [{ name: "y", element: "uint8", shape: [2, 2, 3] }] },
      gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
    };
    await writeFile(join(folder, "model", "model.yaml"), stringify(manifest));
    const rows = [{ x: images["jpeg-420"] }, { x: images["png-palette"] }];
    const lines = await run(
      `const { handler } = await import(${JSON.stringify(pathToFileURL(join(folder, "index.mjs")).href)});
       console.log(JSON.stringify(await handler(${JSON.stringify({ rows })})));`,
      {
        SLIPWAY_MODEL: "churn",
        SLIPWAY_MODEL_VERSION: "1",
        SLIPWAY_DIGEST: `sha256:${"a".repeat(64)}`,
        SLIPWAY_ENVIRONMENT: "stage",
      },
    );
    const { predictions } = PredictResponse.parse(JSON.parse(lines[1] ?? ""));
    expect(predictions.map(({ tensors }) => tensors?.y)).toEqual([
      expect.arrayContaining([expect.any(Array)]),
      expect.arrayContaining([expect.any(Array)]),
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
