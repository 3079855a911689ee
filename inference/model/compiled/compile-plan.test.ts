import { expect, test } from "vitest";
import { readChurnFiles } from "#test/support/onnx/churn-folder.ts";
import { floatType, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { compilePlan } from "./compile-plan.ts";
import { writePlan } from "./write-plan.ts";

const toFile = (bytes: Uint8Array) => ({ size: bytes.length, bytes: async () => bytes });
const churn = toFile(readChurnFiles().get("model.onnx") ?? new Uint8Array());
const matrix = { type: floatType, shape: ["N", 2] };
const withoutTrees = toFile(
  writeOnnx({
    graph: {
      nodes: [{ op: "Neg", inputs: ["x"], outputs: ["y"] }],
      inputs: [{ name: "x", ...matrix }],
      outputs: [{ name: "y", ...matrix }],
    },
  }),
);
const unread = (size: number) => ({ size, bytes: () => Promise.reject(new Error("nobody needs it")) });

test("churn is compiled without a word in its manifest, to the same bytes each time", async () => {
  const plans = [await compilePlan({}, churn), await compilePlan({ engine: "compiled" }, churn)] as const;
  expect(plans[0].status).toBe("compiled");
  expect(await writePlan(plans[0], churn)).toEqual(await writePlan(plans[1], churn));
});

test("a graph beyond the rules is not compiled, with the reason", async () => {
  expect(await compilePlan({}, withoutTrees)).toEqual({
    status: "not-compiled",
    why: expect.stringMatching(/trees/),
  });
});

test("a graph that the manifest wants compiled and that cannot be is refused", async () => {
  await expect(compilePlan({ engine: "compiled" }, withoutTrees)).rejects.toMatchObject({
    name: "ModelUnreadable",
    message: expect.stringMatching(/says engine: compiled, but .*trees/),
    remedy: expect.stringMatching(/^Remove the line/),
  });
});

test("with engine: onnxruntime, for texts and above 64 MB the file is not even read", async () => {
  const reasons = [
    await compilePlan({ engine: "onnxruntime" }, unread(1)),
    await compilePlan({ tokenizer: {} }, unread(1)),
    await compilePlan({}, unread(64_000_001)),
  ].map((plan) => plan.status === "not-compiled" && plan.why);
  expect(reasons).toEqual([
    "model.yaml says engine: onnxruntime",
    "models of texts run in onnxruntime",
    "the ONNX file has 65 MB (limit 64 MB)",
  ]);
});
