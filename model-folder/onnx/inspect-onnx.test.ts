import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readChurnFiles } from "#test/support/onnx/churn-folder.ts";
import { findRefusal } from "#test/support/onnx/find-refusal.ts";
import {
  boolType,
  floatType,
  type Graph,
  int64Type,
  type Model,
  writeOnnx,
} from "#test/support/onnx/write-onnx.ts";
import { defaultOnnxLimits, inspectOnnx } from "./inspect-onnx.ts";

const churn = readChurnFiles().get("model.onnx") ?? new Uint8Array();
const identity: Graph = {
  nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  inputs: [{ name: "x", type: floatType, shape: ["N", 1] }],
  outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
};
const nested = (levels: number): Graph =>
  levels === 0
    ? identity
    : {
        nodes: [
          {
            op: "If",
            inputs: ["c"],
            outputs: ["y"],
            attributes: [{ name: "then_branch", graph: nested(levels - 1) }],
          },
        ],
      };

/** A model of exactly `size` bytes, nearly all of them one tensor of zeros, which cost no memory until they are read. */
const createLargeModel = (size: number): Uint8Array => {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
  const openField = (field: number, length: number) => [...varint(field * 8 + 2), ...varint(length)];
  // The tensor's shape [1], its type, and its name.
  const tensor = [8, 1, 16, floatType, ...openField(8, 1), 119];
  // The operator sets: version 17 of ONNX's own.
  const opset = [...openField(8, 2), 16, 17];
  // Each length has five bytes, as varints of 256 MiB and more have.
  const content = size - opset.length - 3 * 6 - tensor.length;
  const head = [
    ...openField(7, content + tensor.length + 2 * 6),
    ...openField(5, content + tensor.length + 6),
    ...tensor,
    ...openField(9, content),
  ];
  const bytes = new Uint8Array(size);
  bytes.set(head);
  bytes.set(opset, size - opset.length);
  return bytes;
};

describe("inspectOnnx", () => {
  test("a model of 2 GB is read, and one byte more is refused", () => {
    const model = createLargeModel(2_000_000_000);
    expect(inspectOnnx(model)).toMatchObject({ initializers: 1, initializerBytes: expect.closeTo(2e9, -3) });
    expect(findRefusal(createLargeModel(2_000_000_001))).toMatch(/larger than 2000000000 bytes/);
  });

  test("reads churn's graph: one input per column, label and probabilities", () => {
    const summary = inspectOnnx(churn);
    expect(summary.inputs).toHaveLength(19);
    expect(summary.inputs[0]).toEqual({ name: "female", kind: "tensor", type: "float32", shape: [null, 1] });
    expect(summary.outputs.map(({ name }) => name)).toEqual(["label", "probabilities"]);
    expect([...summary.opsets.keys()]).toEqual(["", "ai.onnx.ml"]);
    expect(summary.nodes).toBeGreaterThan(5);
  });

  test.each([
    ["string-matrix", [{ type: "string", labels: ["P1", "P2", "P3"] }]],
    ["lightgbm-binary", [{ type: "integer", labels: ["0", "1"] }]],
    ["mlp-logits", []],
  ])("returns the labels of classifier nodes: %s", (name, labels) => {
    const bytes = readFileSync(
      new URL(`../../test/support/onnx-exports/${name}/model.onnx`, import.meta.url),
    );
    expect(inspectOnnx(bytes).classLabels).toEqual(labels);
  });

  test("does not return an initializer that is listed as an input", () => {
    const bytes = writeOnnx({
      graph: {
        ...identity,
        initializers: [{ name: "w", dims: [1], int64: [3] }],
        inputs: [...(identity.inputs ?? []), { name: "w", type: int64Type, shape: [1] }],
      },
    });
    expect(inspectOnnx(bytes).inputs.map(({ name }) => name)).toEqual(["x"]);
  });

  const hostile: [string, Model, RegExp][] = [
    [
      "data in another file",
      { graph: { ...identity, initializers: [{ name: "w", dims: [1], external: true }] } },
      /another file/,
    ],
    [
      "a node of an unknown domain",
      { graph: { nodes: [{ op: "Evil", domain: "com.evil", outputs: ["y"] }] } },
      /com\.evil/,
    ],
    ["an import of an unknown domain", { graph: identity, opsets: { "": 17, "com.evil": 1 } }, /com\.evil/],
    [
      "a domain that only onnxruntime's optimiser imports, used by a node",
      {
        graph: { nodes: [{ op: "Conv", domain: "com.microsoft.nchwc", outputs: ["y"] }] },
        opsets: { "": 17, "com.microsoft.nchwc": 1 },
      },
      /nchwc/,
    ],
    [
      "a terabyte out of an initializer",
      {
        graph: {
          nodes: [{ op: "ConstantOfShape", inputs: ["s"], outputs: ["y"] }],
          initializers: [{ name: "s", dims: [2], int64: [2 ** 20, 2 ** 20] }],
        },
      },
      /ConstantOfShape creates a tensor/,
    ],
    [
      "a terabyte out of a Constant node",
      {
        graph: {
          nodes: [
            {
              op: "Constant",
              outputs: ["s"],
              attributes: [{ name: "value", tensor: { dims: [1], int64: [2 ** 40] } }],
            },
            { op: "ConstantOfShape", inputs: ["s"], outputs: ["y"] },
          ],
        },
      },
      /ConstantOfShape creates a tensor/,
    ],
    [
      "a terabyte out of a subgraph",
      {
        graph: {
          nodes: [
            {
              op: "If",
              inputs: ["c"],
              outputs: ["y"],
              attributes: [
                {
                  name: "then_branch",
                  graph: { nodes: [{ op: "ConstantOfShape", inputs: ["s"], outputs: ["y"] }] },
                },
              ],
            },
          ],
          initializers: [{ name: "s", dims: [1], int64: [2 ** 40] }],
        },
      },
      /ConstantOfShape creates a tensor/,
    ],
    [
      "a stored tensor that claims a terabyte",
      { graph: { ...identity, initializers: [{ name: "w", dims: [2 ** 40] }] } },
      /more than \d+ elements/,
    ],
    [
      "data in another file, of a constant within a subgraph",
      {
        graph: {
          nodes: [
            {
              op: "If",
              inputs: ["c"],
              outputs: ["y"],
              attributes: [
                {
                  name: "then_branch",
                  graph: {
                    nodes: [
                      {
                        op: "Constant",
                        outputs: ["k"],
                        attributes: [{ name: "value", tensor: { dims: [1], external: true } }],
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      },
      /another file/,
    ],
    ...(["Expand", "Tile"] as const).map((op): [string, Model, RegExp] => [
      `a terabyte out of ${op}`,
      {
        graph: {
          nodes: [{ op, inputs: ["x", "s"], outputs: ["y"] }],
          initializers: [{ name: "s", dims: [1], int64: [2 ** 40] }],
        },
      },
      new RegExp(`${op} creates a tensor`),
    ]),
    [
      "a shape whose product is beyond any number",
      { graph: { ...identity, initializers: [{ name: "w", dims: Array(60).fill(2 ** 52) }] } },
      /more than \d+ elements/,
    ],
    [
      "a tensor of 65 dimensions",
      { graph: { ...identity, initializers: [{ name: "w", dims: Array(66).fill(1) }] } },
      /impossible shape/,
    ],
    [
      "tensors without end",
      { graph: { ...identity, initializers: Array(20_001).fill({ name: "w", dims: [0] }) } },
      /more than 20000 tensors/,
    ],
    [
      "nodes without end",
      { graph: { nodes: Array(100_001).fill({ op: "Identity", outputs: [] }) } },
      /more than 100000 nodes/,
    ],
    [
      "attributes without end",
      {
        graph: {
          nodes: [{ op: "Identity", outputs: ["y"], attributes: Array(1_001).fill({ name: "a", int: 1 }) }],
        },
      },
      /more than 1000 attributes/,
    ],
    [
      "a name of a megabyte",
      { graph: { nodes: [{ op: "Identity", outputs: ["y".repeat(2 ** 20)] }] } },
      /name of more than/,
    ],
    ["graphs within graphs without end", { graph: nested(60) }, /nested deeper/],
    ["no operator set", { graph: identity, opsets: {} }, /no operator set/],
  ];
  test.each(hostile)("refuses %s with the reason", (_, model, reason) => {
    expect(findRefusal(writeOnnx(model))).toMatch(reason);
  });

  // Fields of ModelProto that a writer of graphs does not write, each empty.
  test.each([
    ["a function without a domain of its own", [0xca, 0x01, 0x00], /is reserved/],
    ["training graphs", [0xa2, 0x01, 0x00], /training/],
    ["a second graph, which readers merge with the first", [0x3a, 0x00], /two graphs/],
  ])("refuses %s with the reason", (_, field, reason) => {
    expect(findRefusal(Buffer.concat([writeOnnx({ graph: identity }), Uint8Array.from(field)]))).toMatch(
      reason,
    );
  });

  test("accepts imports that onnxruntime's optimiser writes", () => {
    expect(findRefusal(writeOnnx({ graph: identity, opsets: { "": 17, "com.microsoft.nchwc": 1 } }))).toBe(
      "accepted",
    );
  });

  test("counts the nodes of subgraphs", () => {
    const two: Graph = {
      nodes: [{ op: "If", outputs: ["y"], attributes: [{ name: "then_branch", graph: identity }] }],
    };
    expect(inspectOnnx(writeOnnx({ graph: two })).nodes).toBe(2);
    expect(findRefusal(writeOnnx({ graph: two }), { ...defaultOnnxLimits, nodes: 1 })).toMatch(
      /more than 1 nodes/,
    );
  });

  test("refuses more tensors or bytes than the limits", () => {
    const bytes = writeOnnx({
      graph: {
        ...identity,
        initializers: [
          { name: "w", dims: [1], int64: [1] },
          { name: "v", dims: [1], int64: [1] },
        ],
      },
    });
    expect(findRefusal(bytes, { ...defaultOnnxLimits, initializers: 1 })).toMatch(/more than 1 tensors/);
    expect(findRefusal(bytes, { ...defaultOnnxLimits, bytes: 10 })).toMatch(/larger than 10 bytes/);
  });

  test("accepts sequences and unknown element types", () => {
    const bytes = writeOnnx({
      graph: {
        ...identity,
        outputs: [
          { name: "z", sequence: true },
          { name: "b", type: boolType, shape: [1] },
          { name: "c", type: 14, shape: [1] },
        ],
      },
    });
    expect(
      inspectOnnx(bytes).outputs.map((value) => (value.kind === "tensor" ? value.type : value.kind)),
    ).toEqual(["sequence", "bool", "other"]);
  });

  test("refuses a message that extends beyond its parent", () => {
    // A graph of two bytes with a node of four: its last two bytes belong to the operator set.
    const bytes = Uint8Array.of(0x08, 0x08, 0x3a, 0x02, 0x0a, 0x04, 0x42, 0x02, 0x10, 0x11);
    expect(findRefusal(bytes)).toMatch(/truncated/);
  });

  test("refuses a file that is truncated at any byte", () => {
    for (let end = 0; end < churn.length; end++)
      expect(findRefusal(churn.subarray(0, end))).not.toBe("accepted");
  });

  test("returns a summary or throws ModelUnreadable with any flipped bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(churn.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (flips) => {
          const bytes = churn.slice();
          for (const [at, byte] of flips) bytes[at] = byte;
          findRefusal(bytes);
        },
      ),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void findRefusal(bytes)),
      { numRuns: 2_000 },
    );
  });
});
