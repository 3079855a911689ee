import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Golden } from "#model-folder/manifest/manifest.ts";
import { findGoldenDifferences } from "#model-folder/rows/compare-golden.ts";
import { createModelPlan } from "#packaging/create-model-plan.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { loadModelFolder } from "./load-model-folder.ts";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const golden = Golden.parse(readChurnGolden());
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
const plan = async (model: string, manifest: unknown = {}): Promise<Uint8Array> => {
  const bytes = await readFile(join(models, model, "model.onnx"));
  const open = async function* () {
    yield bytes;
  };
  return createModelPlan({ manifest, artifact: { size: bytes.length, sha256: "", open } });
};
const path = (file: string) => join(folder.path, file);

beforeEach(async () => {
  folder = await createTemporaryFolder();
  for (const file of ["model.yaml", "model.onnx"]) await copyFile(join(models, "churn", file), path(file));
  await writeFile(path("model.plan"), await plan("churn"));
});
afterEach(() => folder.remove());

/** What a process loads that opens the folder as an image does, and its golden predictions. */
const predictInProcess = async () => {
  // https://nodejs.org/api/module.html#moduleregisterhooksoptions
  const loadedAloud = `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from "node:module";
    registerHooks({ load: (url, context, next) => { process.stderr.write(url + "\\n"); return next(url, context); } });
  `)}`;
  const program = `
    const { loadModelFolder } = await import(${JSON.stringify(new URL("load-model-folder.ts", import.meta.url).href)});
    const model = await loadModelFolder(${JSON.stringify(folder.path)}, { ofImage: true });
    console.log(JSON.stringify(await model.predict(${JSON.stringify(golden.rows)})));`;
  const child = spawn(process.execPath, ["--import", loadedAloud, "--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  });
  const [output, loaded] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { predictions: JSON.parse(output), loaded: loaded.split("\n") };
};
const isEngine = (url: string) => /onnxruntime/.test(url);
const isCompiler = (url: string) => /compile-graph|compile-plan|lay-out-ensemble|\/pbf\//.test(url);

describe("a model's folder in an image", () => {
  test("with a plan it loads neither onnxruntime nor the compiler", async () => {
    const { predictions, loaded } = await predictInProcess();
    expect(findGoldenDifferences(golden, predictions)).toEqual([]);
    expect(loaded.filter((url) => isEngine(url) || isCompiler(url))).toEqual([]);
    expect(loaded.some((url) => url.endsWith("/read-plan.ts"))).toBe(true);
  });

  test("with a plan that says why there is none it loads onnxruntime, and no compiler", async () => {
    await writeFile(path("model.plan"), await plan("churn", { engine: "onnxruntime" }));
    const { predictions, loaded } = await predictInProcess();
    expect(findGoldenDifferences(golden, predictions)).toEqual([]);
    expect(loaded.some(isEngine)).toBe(true);
    expect(loaded.filter(isCompiler)).toEqual([]);
    expect((await loadModelFolder(folder.path, { ofImage: true })).engine).toEqual({
      name: "onnxruntime",
      reason: "model.yaml says engine: onnxruntime",
    });
  });

  test("without a plan the model is compiled when it is loaded", async () => {
    await rm(path("model.plan"));
    const model = await loadModelFolder(folder.path, { ofImage: true });
    expect(model.engine).toEqual({ name: "compiled" });
  });

  test("with another model's plan, or a damaged one, it is refused instead of served by onnxruntime", async () => {
    const transit = await readFile(join(models, "transit-time", "model.onnx"));
    await writeFile(path("model.onnx"), transit);
    await expect(loadModelFolder(folder.path, { ofImage: true })).rejects.toThrow(/another ONNX file/);
    await copyFile(join(models, "churn", "model.onnx"), path("model.onnx"));
    await writeFile(path("model.plan"), await plan("transit-time"));
    await expect(loadModelFolder(folder.path, { ofImage: true })).rejects.toThrow(/another ONNX file/);
    const damaged = await plan("churn");
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    await writeFile(path("model.plan"), damaged);
    await expect(loadModelFolder(folder.path, { ofImage: true })).rejects.toThrow(/is damaged/);
  });

  test("outside of an image a plan is not read: the folder's own files decide", async () => {
    await writeFile(path("model.plan"), "anything");
    expect((await loadModelFolder(folder.path)).engine).toEqual({ name: "compiled" });
  });
});
