import { expect, test } from "vitest";
import { floatType, type Graph, int64Type, type Model, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { explainRuntimeError } from "./explain-runtime-error.ts";
import type { FeedTensor } from "./feed-tensor.ts";
import { openSession } from "./session.ts";
import { supportedVersions } from "./supported-versions.ts";

const x = { name: "x", type: floatType, shape: ["N", 2] };
const y = { name: "y", type: floatType, shape: ["N", 2] };
const graph = (
  nodes: Graph["nodes"],
  initializers: Graph["initializers"] = [],
  inputs: Graph["inputs"] = [x],
): Graph => ({
  nodes: nodes ?? [],
  inputs: inputs ?? [],
  outputs: [y],
  initializers: initializers ?? [],
});
/** The whole message of a real onnxruntime for a model, and for a run of two rows. */
const findMessage = async (model: Model): Promise<string> => {
  try {
    const session = await openSession({ bytes: writeOnnx(model) });
    const [input] = session.inputs;
    const isId = input?.kind === "tensor" && input.type === "int64";
    const dims = [2, 2];
    const feed: FeedTensor = isId
      ? { type: "int64", data: BigInt64Array.of(9n, 0n, 0n, 0n), dims }
      : { type: "float32", data: new Float32Array(4), dims };
    await session.run({ [input?.name ?? ""]: feed }, ["y"]);
    return "ran";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
};
const int64Input = [{ name: "x", type: int64Type, shape: ["N", 2] }];
const table = { name: "w", type: floatType, dims: [3, 2], float: [1, 2, 3, 4, 5, 6] };

const models: [string, Model, RegExp][] = [
  [
    "a newer file format",
    {
      graph: graph([{ op: "Neg", inputs: ["x"], outputs: ["y"] }]),
      irVersion: supportedVersions.irVersion + 1,
    },
    /IR version 14, the runtime reads up to 13: set model\.ir_version = 13/,
  ],
  [
    "a newer operator set",
    {
      graph: graph([{ op: "Neg", inputs: ["x"], outputs: ["y"] }]),
      opsets: { "": (supportedVersions.opsets.get("") ?? 0) + 1 },
    },
    /opset 27 of ai\.onnx, the runtime reads up to 26/,
  ],
  [
    "a newer set of ai.onnx.ml",
    {
      graph: graph([{ op: "Neg", inputs: ["x"], outputs: ["y"] }]),
      opsets: { "": 17, "ai.onnx.ml": (supportedVersions.opsets.get("ai.onnx.ml") ?? 0) + 1 },
    },
    /opset 6 of ai\.onnx\.ml, the runtime reads up to 5/,
  ],
  [
    "an unknown operator",
    { graph: graph([{ op: "Nope", inputs: ["x"], outputs: ["y"] }]) },
    /no operator Nope in version 17/,
  ],
  [
    "an input that nothing makes",
    { graph: graph([{ op: "Add", inputs: ["x", "z"], outputs: ["y"] }]) },
    /takes z, which nothing in the graph makes/,
  ],
  [
    "shapes that do not fit",
    { graph: graph([{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }], [table]) },
    /operator MatMul is invalid: Incompatible dimensions/,
  ],
  [
    "a reshape that fails when it runs",
    {
      graph: graph(
        [{ op: "Reshape", inputs: ["x", "s"], outputs: ["y"] }],
        [{ name: "s", dims: [2], int64: [-1, 3] }],
      ),
    },
    /operator Reshape failed: The input tensor cannot be reshaped/,
  ],
  [
    "an index outside a table",
    { graph: graph([{ op: "GatherElements", inputs: ["w", "x"], outputs: ["y"] }], [table], int64Input) },
    /operator GatherElements failed: .*Out of range/i,
  ],
];
test.each(models)(
  "the runtime's message about %s is a sentence without its source",
  async (_, model, sentence) => {
    const message = await findMessage(model);
    expect(message).toMatch(sentence);
    expect(message).not.toMatch(/onnxruntime|\.cc|\.h:|::|status code/);
  },
);

test("the versions that the installed runtime reads are the supported ones", async () => {
  const { irVersion, opsets } = supportedVersions;
  const newest = {
    graph: graph([{ op: "Neg", inputs: ["x"], outputs: ["y"] }]),
    irVersion,
    opsets: Object.fromEntries(opsets),
  };
  expect(await findMessage(newest)).toBe("ran");
});

test("a message of an unknown kind loses its paths and signatures", () => {
  expect(
    explainRuntimeError(
      "/onnxruntime_src/onnxruntime/core/a.cc:12 virtual void onnxruntime::A::b(const C&, int) const [with T = float] The file is gone.",
    ),
  ).toBe("The file is gone");
  expect(
    explainRuntimeError(
      "Load model from /tmp/m.onnx failed:/onnxruntime_src/onnxruntime/core/b.h:1 a(int) x > 0 was false. Too small",
    ),
  ).toBe("Too small");
  expect(explainRuntimeError("")).toBe("no reason");
});
