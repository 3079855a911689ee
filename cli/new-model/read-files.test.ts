import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { floatType, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { assertTableFile } from "./assert-table-file.ts";
import { readOnnxFile } from "./read-onnx-file.ts";

const model = (external?: Readonly<Record<string, string>>) =>
  writeOnnx({
    graph: {
      nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
      initializers: [
        { name: "w", type: floatType, dims: [2, 1], ...(external ? { external } : { float: [1, 2] }) },
      ],
      inputs: [{ name: "x", type: floatType, shape: ["N", 2] }],
      outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
    },
  });

describe("the file of --onnx", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "slipway-files-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const read = async (bytes: Uint8Array) => {
    const file = join(folder, "model.onnx");
    await writeFile(file, bytes);
    return readOnnxFile(file);
  };

  test("is read with the weights beside it", async () => {
    await writeFile(join(folder, "model.onnx.data"), new Uint8Array(8));
    const { bytes, changes } = await read(model({ location: "model.onnx.data" }));
    expect(bytes.length).toBeGreaterThan(0);
    expect(changes.join()).toContain("model.onnx.data");
  });

  test("whose weights are missing says which file, and how to go on", () =>
    expect(read(model({ location: "model.onnx.data" }))).rejects.toThrow(
      /model\.onnx: the model keeps its weights in the file model\.onnx\.data, which is not beside it\. Copy model\.onnx\.data into/,
    ));

  test.each([
    ["a part of a model", model().subarray(0, -1)],
    ["zeros", new Uint8Array(3_000)],
    ["other bytes", Uint8Array.from({ length: 3_000 }, (_, at) => (at * 7_919) % 251)],
    ["a message without a graph", Buffer.from([0x08, 3])],
  ])("is named where it is %s, with a line that checks it", (_, bytes) =>
    expect(read(bytes)).rejects.toThrow(
      /model\.onnx is no(t an)? ONNX model[\s\S]*onnx\.checker\.check_model/,
    ),
  );
});

describe("the file of --data", () => {
  const refuse = (bytes: Uint8Array) => () => assertTableFile(bytes, "data.csv", undefined);

  test("that is the model says which option takes it", () =>
    expect(refuse(model())).toThrow(
      "is an ONNX model, not a CSV, Parquet or JSON lines table. Name the model with --onnx",
    ));

  test.each([
    ["random bytes", Uint8Array.from({ length: 3_000 }, (_, at) => (at * 7_919) % 251)],
    ["zeros", new Uint8Array(3_000)],
  ])("that is binary gets no question about its encoding: %s", (_, bytes) =>
    expect(refuse(bytes)).toThrow("is a binary file"),
  );

  test.each([
    ["UTF-16", Buffer.from("名前,b\n東京,2\n", "utf16le")],
    ["Shift JIS", Buffer.from([0x94, 0x4e, 0x97, 0xee, 0x2c, 0x62, 0x0a, 0x31, 0x2c, 0x32, 0x0a])],
    ["a header with brackets", Buffer.from("[rpm],[bar]\n1,2\n")],
    ["a header with braces", Buffer.from("{{x}},b\n1,2\n")],
  ])("may be text in any encoding: %s", (_, bytes) => expect(refuse(bytes)).not.toThrow());
});
