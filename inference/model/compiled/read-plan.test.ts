import fc from "fast-check";
import { expect, test } from "vitest";
import type { Plan } from "./plan.ts";
import { planFormat } from "./plan-format.ts";
import { readPlan } from "./read-plan.ts";
import { sumWords } from "./sum-words.ts";
import { writePlan } from "./write-plan.ts";

const onnx = Buffer.from("an ONNX file");
const plan: Plan = {
  status: "compiled",
  graph: {
    inputs: [{ name: "x", kind: "tensor", type: "float32", shape: [null, 1] }],
    outputs: [{ name: "ü", kind: "tensor", type: "float32", shape: [null, 1] }],
    steps: [{ step: "input", type: "float32", input: 0, element: 0 }],
    results: [{ type: "float32", dims: ["rows", 1], columns: [0] }],
  },
  ensembles: [Uint8Array.of(1, 2, 3), new Uint8Array(100).fill(7)],
};
const notCompiled: Plan = { status: "not-compiled", why: "GRU is not compiled" };
const toFile = (bytes: Uint8Array) => ({ size: bytes.length, bytes: async () => bytes });
const written = (content = plan, model = onnx) => writePlan(content, toFile(model));
const read = (bytes: Uint8Array, model: Uint8Array = onnx) => readPlan(bytes, toFile(model));
/** The checksum of changed content, as somebody would write it who means to deceive. */
const sign = (bytes: Uint8Array): Uint8Array => {
  const { checksumAt, checkedFrom } = planFormat;
  const view = new DataView(bytes.buffer);
  for (const [index, sum] of sumWords(bytes.subarray(checkedFrom)).entries())
    view.setBigUint64(checksumAt + 8 * index, sum, true);
  return bytes;
};
const setWord = async (at: number, value: number): Promise<Uint8Array> => {
  const bytes = await written();
  new DataView(bytes.buffer).setUint32(at, value, true);
  return bytes;
};

test("a plan is read as it was written, wherever it lies in memory", async () => {
  const bytes = await written();
  const moved = new Uint8Array(bytes.length + 5);
  moved.set(bytes, 5);
  for (const each of [bytes, moved.subarray(5)])
    expect(await read(each)).toEqual({ ...plan, isChecked: true });
});

test("the ensembles lie at multiples of 64 bytes", async () => {
  const result = await read(await written());
  const { ensembles = [] } = result.status === "compiled" ? result : {};
  expect(ensembles.map(({ byteOffset }) => byteOffset % 64)).toEqual([0, 0]);
});

test("equal plans give equal bytes, in whatever order their fields were set", async () => {
  const { status, graph, ensembles } = plan;
  const { steps, results, outputs, inputs } = graph;
  const other: Plan = { ensembles, graph: { results, outputs, steps, inputs }, status };
  expect(await written(other)).toEqual(await written());
});

test("without a compiled graph the plan says why, and its ONNX file is not read", async () => {
  const unread = { size: 7, bytes: () => Promise.reject(new Error("nobody needs it")) };
  const bytes = await writePlan(notCompiled, unread);
  expect(await readPlan(bytes, unread)).toEqual(notCompiled);
  await expect(readPlan(bytes, { ...unread, size: 8 })).rejects.toThrow(/another ONNX file/);
});

test("one changed byte anywhere, or a missing end, refuses the plan", async () => {
  const bytes = await written();
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ change;
      await expect(read(changed)).rejects.toMatchObject({ name: "ModelUnreadable" });
      await expect(read(bytes.subarray(0, at))).rejects.toMatchObject({ name: "ModelUnreadable" });
    }),
    { numRuns: 300 },
  );
});

test("the plan of another ONNX file is refused, also of one with the same length", async () => {
  for (const other of ["another file", "an ONNX filf", ""])
    await expect(read(await written(), Buffer.from(other))).rejects.toThrow(
      /belongs to another ONNX file than the one beside it: build the image again/,
    );
});

test("a plan of another version is refused, and the message names both versions", async () => {
  await expect(read(sign(await setWord(8, planFormat.version + 1)))).rejects.toThrow(
    new RegExp(`version ${planFormat.version + 1}, and this runtime reads version ${planFormat.version}`),
  );
});

test("bytes behind the last part are refused, also zeros, which no checksum of words sees", async () => {
  for (const end of [Uint8Array.of(0), Uint8Array.of(0, 0, 0, 0), Uint8Array.of(7)])
    await expect(read(sign(new Uint8Array(Buffer.concat([await written(), end]))))).rejects.toThrow(
      /longer than its parts/,
    );
});

test("lengths and counts beyond the file are refused, also with a right checksum", async () => {
  for (const at of [planFormat.jsonBytesAt, planFormat.ensemblesAt, planFormat.ensembleBytesAt])
    for (const value of [0xff_ff_ff_ff, 0x7f_ff_ff_ff, 100_000])
      await expect(read(sign(await setWord(at, value)))).rejects.toMatchObject({ name: "ModelUnreadable" });
});
