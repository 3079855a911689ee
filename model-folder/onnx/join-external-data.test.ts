import { describe, expect, test } from "vitest";
import { floatType, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { inspectOnnx } from "./inspect-onnx.ts";
import { joinExternalData } from "./join-external-data.ts";

const graph = (external: Readonly<Record<string, string>>) => ({
  nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
  initializers: [
    { name: "w", type: floatType, dims: [2, 1], external },
    { name: "b", type: floatType, dims: [1], float: [3] },
  ],
  inputs: [{ name: "x", type: floatType, shape: ["N", 2] }],
  outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
});
const model = (external: Readonly<Record<string, string>>) => writeOnnx({ graph: graph(external) });
const weights = new Uint8Array(new Float32Array([9, 1, 2]).buffer);
const read = (file: string) => Promise.resolve(file === "m.onnx.data" ? weights : undefined);

describe("the weights that a model keeps in files beside it", () => {
  test("become its own, by their place in the file", async () => {
    const { bytes, changes } = await joinExternalData(
      model({ location: "m.onnx.data", offset: "4", length: "8" }),
      read,
    );
    const { nodeList } = inspectOnnx(bytes);
    expect(nodeList.constants.get("w")).toMatchObject({ dims: [2, 1] });
    expect(Buffer.from(bytes).includes(Buffer.from(weights.subarray(4, 12)))).toBe(true);
    expect(Buffer.from(bytes).includes("m.onnx.data")).toBe(false);
    expect(changes).toEqual([expect.stringContaining("m.onnx.data")]);
  });

  test("of a model without such files change no byte", async () => {
    const bytes = writeOnnx({ graph: {} });
    expect(await joinExternalData(bytes, read)).toEqual({ bytes, changes: [] });
  });

  test.each([
    ["missing", { location: "other.data" }, "not beside it"],
    ["too short", { location: "m.onnx.data", offset: "8", length: "8" }, "end at byte 12"],
    ["outside of the folder", { location: "../m.onnx.data" }, "model's own folder"],
    ["at an absolute path", { location: "/etc/passwd" }, "model's own folder"],
    ["on a Windows drive", { location: "C:\\m.data" }, "model's own folder"],
    ["nowhere", {}, "model's own folder"],
    ["at no number", { location: "m.onnx.data", offset: "-4" }, "model's own folder"],
  ])("are refused with a remedy: %s", async (_, external, message) => {
    const joined = joinExternalData(model(external), read);
    await expect(joined).rejects.toMatchObject({
      message: expect.stringContaining(message),
      remedy: expect.stringMatching(/\w/),
    });
  });
});
