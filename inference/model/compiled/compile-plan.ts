import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { compileGraph } from "./compile-graph.ts";
import { EnsembleRefused, layOutEnsemble } from "./kernel/lay-out-ensemble.ts";
import type { OnnxFile, Plan } from "./plan.ts";

const maxMegabytes = 64;

type EngineRule = { readonly engine?: Manifest["engine"]; readonly tokenizer?: unknown };

/** An error is none of the rules' reasons. It must not choose the engine: how deep a stack may grow differs between machines. */
const compileBytes = (bytes: Uint8Array): ReturnType<typeof compileGraph> => {
  try {
    return compileGraph(bytes);
  } catch (error) {
    if (error instanceof ModelUnreadable) throw error;
    throw new ModelUnreadable(
      `the graph cannot be compiled: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error, remedy: "Write engine: onnxruntime in model.yaml, and report it with the model." },
    );
  }
};

const plan = async ({ engine, tokenizer }: EngineRule, { size, bytes }: OnnxFile): Promise<Plan> => {
  if (engine === "onnxruntime") return { status: "not-compiled", why: "model.yaml says engine: onnxruntime" };
  if (tokenizer) return { status: "not-compiled", why: "models of texts run in onnxruntime" };
  const megabytes = Math.ceil(size / 1_000_000);
  if (megabytes > maxMegabytes)
    return {
      status: "not-compiled",
      why: `the ONNX file has ${megabytes} MB (limit ${maxMegabytes} MB)`,
    };
  const compiled = compileBytes(await bytes());
  if (compiled.status === "not-compiled") return compiled;
  const { graph, ensembles } = compiled;
  try {
    return { status: "compiled", graph, ensembles: ensembles.map(layOutEnsemble) };
  } catch (error) {
    if (error instanceof EnsembleRefused) return { status: "not-compiled", why: error.message };
    throw error;
  }
};

/**
 * Compiles a model's graph, or says why it cannot be compiled. This follows from the manifest and the file alone, so that
 * each machine decides the same. Throws ModelUnreadable where the manifest says `engine: compiled` and it cannot be.
 */
export const compilePlan = async (manifest: EngineRule, file: OnnxFile): Promise<Plan> => {
  const result = await plan(manifest, file);
  if (manifest.engine === "compiled" && result.status === "not-compiled")
    throw new ModelUnreadable(`model.yaml says engine: compiled, but ${result.why}`, {
      remedy: "Remove the line: onnxruntime answers then.",
    });
  return result;
};
