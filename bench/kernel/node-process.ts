/**
 * An engine of Node in a process of its own: `node-process.ts ENGINE FOLDER`, with the commands of python/peer.py.
 * `Slipway` is the session that a compiled model answers from, by the call that `slipway serve` makes; `onnxruntime-node` gets
 * tensors that were made before.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import onnxruntime from "onnxruntime-node";
import { z } from "zod";
import { compilePlan } from "#inference/model/compiled/compile-plan.ts";
import { openCompiledSession } from "#inference/model/compiled/open-compiled-session.ts";
import { Command, type PeerMessage } from "./peer-protocol.ts";
import { readRows } from "./read-rows.ts";
import { TrainedShape } from "./shapes.ts";

const [engine = "", folder = ""] = process.argv.slice(2);
const shape = TrainedShape.parse(JSON.parse(readFileSync(join(folder, "shape.json"), "utf8")));
const { values, features } = readRows(folder);
const model = readFileSync(join(folder, "model.onnx"));

const answer = (message: PeerMessage): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const Probabilities = z.instanceof(Float32Array);

/** Gives the probabilities, which only answers that are compared are checked for. */
type Run = () => unknown;
/** A run for each batch of rows. */
type CreateRun = (data: Float32Array, rows: number) => Run;

const openSlipway = async (): Promise<CreateRun | { readonly why: string }> => {
  const plan = await compilePlan({}, { size: model.length, bytes: async () => model });
  if (plan.status === "not-compiled") return { why: `not compiled: ${plan.why}` };
  const session = openCompiledSession(plan, () =>
    Promise.reject(new Error("a shape of trees needs no onnxruntime")),
  );
  const { runNow } = session;
  if (!runNow) return { why: "its session answers only with a promise" };
  const outputs = [shape.output];
  return (data, rows) => {
    const feeds = { [shape.input]: { type: "float32" as const, data, dims: [rows, features] } };
    return () => runNow(feeds, outputs)[0];
  };
};

const openOnnxruntime = async (): Promise<CreateRun> => {
  const session = await onnxruntime.InferenceSession.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
  });
  const outputs = [shape.output];
  return (data, rows) => {
    const feeds = { [shape.input]: new onnxruntime.Tensor("float32", data, [rows, features]) };
    return async () => (await session.run(feeds, outputs))[shape.output]?.data;
  };
};

const opened = engine === "Slipway" ? await openSlipway() : await openOnnxruntime();
if (typeof opened !== "function") {
  answer({ status: "left-out", why: opened.why });
  process.exit();
}
const { version } = createRequire(import.meta.url)(
  engine === "Slipway" ? "../../package.json" : "onnxruntime-node/package.json",
);
answer({ status: "ready", version });

const createRuns = (rows: number): readonly Run[] =>
  Array.from({ length: Math.min(1_000, Math.floor(10_000 / rows)) }, (_, batch) =>
    opened(values.slice(batch * rows * features, (batch + 1) * rows * features), rows),
  );
let prepared: { readonly rows: number; readonly runs: readonly Run[] } | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const command = Command.parse(JSON.parse(line));
  if (prepared?.rows !== command.rows) prepared = { rows: command.rows, runs: createRuns(command.rows) };
  const { runs } = prepared;
  if (command.do === "predict") {
    const probabilities = Probabilities.parse(await runs[0]?.());
    const written = Float64Array.from(probabilities).filter(
      (_, index) => shape.columns !== 2 || index % 2 === 1,
    );
    writeFileSync(command.file, new Uint8Array(written.buffer));
    answer({ status: "predicted" });
    continue;
  }
  const before = process.cpuUsage();
  for (let call = 0; call < command.calls; call += 1) {
    const result = runs[call % runs.length]?.();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(before);
  answer({ status: "timed", cpuMs: (user + system) / 1_000 });
}
