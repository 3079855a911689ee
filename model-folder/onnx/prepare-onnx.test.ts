import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { supportedVersions as supported } from "#inference/model/supported-versions.ts";
import { readChurnFiles } from "#test/support/onnx/churn-folder.ts";
import { floatType, type Graph, int64Type, type Model, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { inspectOnnx } from "./inspect-onnx.ts";
import { ModelUnreadable } from "./model-unreadable.ts";
import { joinChunks, listFields, type MessageField, replaceFields, writeField } from "./onnx-fields.ts";
import { prepareOnnx } from "./prepare-onnx.ts";

const readExport = (name: string): Uint8Array =>
  readFileSync(new URL(`../../test/support/onnx-exports/${name}/model.onnx`, import.meta.url));
const prepare = (bytes: Uint8Array, joinColumns = true) => prepareOnnx(bytes, { supported, joinColumns });
const nameOutputs = (bytes: Uint8Array): string[] =>
  inspectOnnx(bytes).outputs.map((value) =>
    value.kind === "tensor"
      ? `${value.name} ${value.type} [${value.shape?.map((size) => size ?? "?") ?? "any shape"}]`
      : value.kind,
  );
const listOperators = (bytes: Uint8Array): string[] =>
  inspectOnnx(bytes).nodeList.nodes.map(({ operator }) => operator);

const scores: Graph = {
  nodes: [
    { op: "Softmax", inputs: ["x"], outputs: ["p"] },
    {
      op: "LabelEncoder",
      domain: "ai.onnx.ml",
      inputs: ["l"],
      outputs: ["label"],
      attributes: [{ name: "classlabels_strings", strings: ["no", "yes"] }],
    },
  ],
  inputs: [{ name: "x", type: floatType, shape: ["N", 2] }],
  outputs: [],
};
const opsets = { "": 17, "ai.onnx.ml": 3 };
const endIn = (nodes: Graph["nodes"], outputs: Graph["outputs"], rest: Partial<Model> = {}): Uint8Array =>
  writeOnnx({
    graph: {
      ...scores,
      nodes: [...(scores.nodes ?? []), ...(nodes ?? [])],
      outputs: outputs ?? [],
      initializers: [
        { name: "l", type: int64Type, dims: [1], int64: [0] },
        ...[0, 1, 2].map((value) => ({ name: `k${value}`, dims: [1], int64: [value] })),
      ],
    },
    opsets,
    ...rest,
  });
const zipMap = (input: string, output: string) => ({
  op: "ZipMap",
  domain: "ai.onnx.ml",
  inputs: [input],
  outputs: [output],
  attributes: [{ name: "classlabels_strings", strings: ["no", "yes"] }],
});
const column = (index: number) => [
  { op: "Slice", inputs: ["p", `k${index}`, `k${index + 1}`, "k1"], outputs: [`s${index}`] },
  { op: "Squeeze", inputs: [`s${index}`, "k1"], outputs: [`i${index}`] },
];
const float = (name: string) => ({ name, type: floatType, shape: ["N"] });

describe("the file that new writes", () => {
  test("has the scores in place of a ZipMap, whose labels stay known", () => {
    const { bytes, graph, changes } = prepare(
      endIn([zipMap("p", "maps")], [{ name: "maps", sequence: true }]),
    );
    expect(nameOutputs(bytes)).toEqual(["p float32 [?,2]"]);
    expect(listOperators(bytes)).not.toContain("ZipMap");
    expect(graph.classLabels.map(({ labels }) => labels)).toContainEqual(["no", "yes"]);
    expect(changes).toEqual(["removed ZipMap: the tensor p takes the place of the output maps"]);
  });

  test("has the scores once where they were an output already, and none of the nodes after them", () => {
    const { bytes } = prepare(
      endIn(
        [zipMap("p", "maps"), { op: "Identity", inputs: ["maps"], outputs: ["end"] }],
        [
          { name: "p", type: floatType, shape: ["N", 2] },
          { name: "end", sequence: true },
        ],
      ),
    );
    expect(nameOutputs(bytes)).toEqual(["p float32 [N,2]"]);
    expect(listOperators(bytes)).toEqual(["Softmax", "LabelEncoder"]);
  });

  test("has the scores in place of their columns", () => {
    const nodes = [...column(0), ...column(1)];
    const { bytes, changes } = prepare(endIn(nodes, [float("i0"), float("i1")]));
    expect(nameOutputs(bytes)).toEqual(["p float32 [?,2]"]);
    expect(listOperators(bytes)).not.toContain("Slice");
    expect(changes).toHaveLength(1);
  });

  test.each([
    ["the columns of values with names", [...column(0), ...column(1)], [float("i0"), float("i1")], false],
    [
      "columns in another order than the labels",
      [...column(0), ...column(1)],
      [float("i1"), float("i0")],
      true,
    ],
    ["some of the columns", column(0), [float("i0")], true],
    [
      "columns of two tensors",
      [...column(0), { op: "Slice", inputs: ["x", "k1", "k2", "k1"], outputs: ["s1"] }],
      [float("i0"), float("s1")],
      true,
    ],
  ] as const)("keeps %s as they are", (_, nodes, outputs, joinColumns) => {
    const file = endIn(nodes, outputs);
    expect(prepare(file, joinColumns).bytes).toBe(file);
  });

  test("has the tensors of a sequence, each as an output", () => {
    const { bytes } = prepare(
      endIn(
        [
          { op: "Neg", inputs: ["p"], outputs: ["q"] },
          { op: "SequenceConstruct", inputs: ["p", "q"], outputs: ["both"] },
        ],
        [{ name: "both", sequence: true }],
      ),
    );
    expect(nameOutputs(bytes)).toEqual(["p float32 [any shape]", "q float32 [any shape]"]);
    expect(listOperators(bytes)).not.toContain("SequenceConstruct");
  });

  const softmax = (versions: Partial<Model>) =>
    endIn([], [{ name: "p", type: floatType, shape: ["N", 2] }], versions);
  test("has versions that the runtime knows where no operator changed since", () => {
    const { bytes, graph, changes } = prepare(
      softmax({ irVersion: 14, opsets: { "": 28, "ai.onnx.ml": 3 } }),
    );
    expect([graph.irVersion, graph.opsets.get(""), graph.opsets.get("ai.onnx.ml")]).toEqual([13, 26, 3]);
    expect(bytes).toEqual(softmax({ irVersion: 13, opsets: { "": 26, "ai.onnx.ml": 3 } }));
    expect(changes.join()).toMatch(/IR version 13 and opset 26 in place of 14 and 28/);
  });

  test.each([
    [
      "an operator changed since",
      endIn([{ op: "Cast", inputs: ["p"], outputs: ["c"] }], [], { opsets: { "": 28, "ai.onnx.ml": 3 } }),
    ],
    ["nobody knows what changed", softmax({ opsets: { "": 29, "ai.onnx.ml": 3 } })],
    ["nobody knows the file format", softmax({ irVersion: 15 })],
    ["another operator set is newer", softmax({ opsets: { "": 17, "ai.onnx.ml": 6 } })],
  ])("keeps its versions where %s", (_, file) => {
    expect(prepare(file).bytes).toBe(file);
  });

  test("is the same file where nothing has to change", () => {
    for (const name of ["sklearn-matrix", "multi-output", "lightgbm-binary"]) {
      const file = readExport(name);
      expect(prepare(file).bytes).toBe(file);
    }
    const churn = readChurnFiles().get("model.onnx") ?? new Uint8Array();
    expect(prepare(churn).bytes).toBe(churn);
  });

  test("keeps every byte of what does not change: unknown fields, other nodes, the order", () => {
    const unknown = [...writeField(200, [Uint8Array.of(1, 2, 3)])];
    const file = joinChunks([
      ...unknown,
      endIn([zipMap("p", "maps")], [{ name: "maps", sequence: true }]),
      ...unknown,
    ]);
    const { bytes } = prepare(file);
    const [before, after] = [file, bytes].map((each) =>
      listFields(each).map((field) =>
        field.field === 7 ? "graph" : [...each.subarray(field.start, field.end)],
      ),
    );
    expect(after).toEqual(before);
    const graphs = [file, bytes].map((each) => {
      const graph = listFields(each).find(({ field }) => field === 7) as MessageField;
      return listFields(each, graph.value, graph.end).map(({ start, end }) =>
        String(each.subarray(start, end)),
      );
    });
    // All but the ZipMap and the output is there, unchanged and in the old order.
    const kept = new Set(graphs[1]);
    expect(graphs[0]?.filter((part) => kept.has(part))).toEqual(graphs[1]?.slice(0, -1));
    expect(graphs[0]?.length).toBe((graphs[1]?.length ?? 0) + 1);
  });
});

describe("with any bytes", () => {
  const files = ["sklearn-zipmap", "sklearn-zipmap-columns", "sklearn-newest-versions"].map(readExport);
  const accept = (bytes: Uint8Array): void => {
    try {
      prepare(bytes);
    } catch (error) {
      if (!(error instanceof ModelUnreadable)) throw error;
    }
  };

  test("it returns a file that reads again, or throws ModelUnreadable", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (file, flips) => {
          const bytes = file.slice();
          for (const [at, byte] of flips) bytes[at % bytes.length] = byte;
          accept(bytes);
        },
      ),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => accept(bytes)),
      { numRuns: 1_000 },
    );
    for (const file of files) for (let end = 0; end < file.length; end += 3) accept(file.subarray(0, end));
  });

  test("the fields of a message cover it whole, and replacing each by itself gives the same bytes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(...files)), (bytes) => {
        let fields: readonly MessageField[];
        try {
          fields = listFields(bytes);
        } catch (error) {
          if (error instanceof ModelUnreadable) return;
          throw error;
        }
        const itself = new Map(fields.map((field) => [field, [bytes.subarray(field.start, field.end)]]));
        const range = { start: 0, end: bytes.length };
        expect(joinChunks(replaceFields(bytes, range, itself))).toEqual(Uint8Array.from(bytes));
        expect(joinChunks(replaceFields(bytes, range, new Map()))).toEqual(Uint8Array.from(bytes));
        expect(fields.reduce((at, { start, end }) => (start === at ? end : Number.NaN), 0)).toBe(
          bytes.length,
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
