import { expect, test } from "vitest";
import { floatType, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { openSession, type Session } from "../session.ts";
import { compilePlan } from "./compile-plan.ts";
import { openCompiledSession } from "./open-compiled-session.ts";

/** Two classes whose sums differ by twice 0.1 × a + 0.3 × b - 0.4. */
const onnx = writeOnnx({
  graph: {
    nodes: [
      {
        op: "LinearClassifier",
        domain: "ai.onnx.ml",
        inputs: ["x"],
        outputs: ["label", "scores"],
        attributes: [
          { name: "coefficients", floats: [-0.1, -0.3, 0.1, 0.3] },
          { name: "intercepts", floats: [0.4, -0.4] },
          { name: "classlabels_ints", ints: [0, 1] },
          { name: "post_transform", string: "LOGISTIC" },
        ],
      },
    ],
    inputs: [{ name: "x", type: floatType, shape: ["rows", 2] }],
    outputs: [
      { name: "label", type: int64Type, shape: ["rows"] },
      { name: "scores", type: floatType, shape: ["rows", 2] },
    ],
  },
  opsets: { "": 17, "ai.onnx.ml": 3 },
});
/** A tree on the categories 3 and 7 of a float, as scikit-learn's encoder is exported for columns of numbers. */
const categories = writeOnnx({
  graph: {
    nodes: [
      { op: "Cast", inputs: ["x"], outputs: ["c"], attributes: [{ name: "to", int: int64Type }] },
      {
        op: "OneHotEncoder",
        domain: "ai.onnx.ml",
        inputs: ["c"],
        outputs: ["o"],
        attributes: [
          { name: "cats_int64s", ints: [3, 7] },
          { name: "zeros", int: 1 },
        ],
      },
      { op: "Reshape", inputs: ["o", "flat"], outputs: ["f"] },
      {
        op: "TreeEnsembleRegressor",
        domain: "ai.onnx.ml",
        inputs: ["f"],
        outputs: ["y"],
        attributes: [
          { name: "n_targets", int: 1 },
          { name: "nodes_treeids", ints: [0, 0, 0] },
          { name: "nodes_nodeids", ints: [0, 1, 2] },
          { name: "nodes_featureids", ints: [1, 0, 0] },
          { name: "nodes_truenodeids", ints: [1, 0, 0] },
          { name: "nodes_falsenodeids", ints: [2, 0, 0] },
          { name: "nodes_modes", strings: ["BRANCH_LEQ", "LEAF", "LEAF"] },
          { name: "nodes_values", floats: [0.5, 0, 0] },
          { name: "target_treeids", ints: [0, 0] },
          { name: "target_nodeids", ints: [1, 2] },
          { name: "target_ids", ints: [0, 0] },
          { name: "target_weights", floats: [1, 2] },
        ],
      },
    ],
    initializers: [{ name: "flat", dims: [2], int64: [-1, 2] }],
    inputs: [{ name: "x", type: floatType, shape: ["rows", 1] }],
    outputs: [{ name: "y", type: floatType, shape: ["rows", 1] }],
  },
  opsets: { "": 17, "ai.onnx.ml": 3 },
});
const names = ["label", "scores"];
const toFeeds = (...rows: readonly (readonly number[])[]) => ({
  x: { type: "float32" as const, data: Float32Array.from(rows.flat()), dims: [rows.length, 2] },
});

const open = async (
  openReference: () => Promise<Session> = () => openSession({ bytes: onnx }),
  bytes: Uint8Array = onnx,
) => {
  const plan = await compilePlan({}, { size: bytes.length, bytes: async () => bytes });
  if (plan.status === "not-compiled") throw new Error(plan.why);
  const opened: Session[] = [];
  const session = openCompiledSession(plan, async () => {
    const reference = await openReference();
    opened.push(reference);
    return reference;
  });
  return { session, opened };
};

test("a row whose label is certain is answered without onnxruntime", async () => {
  const { session, opened } = await open();
  const [label] = await session.run(toFeeds([1, 2], [0, 0]), names);
  expect(label).toEqual(BigInt64Array.of(1n, 0n));
  expect(opened).toEqual([]);
  expect(session.takeOnnxruntimeRuns?.()).toBe(0);
});

test("a request with a row at the border of two labels is onnxruntime's, which is opened once", async () => {
  const { session, opened } = await open();
  const feeds = toFeeds([1, 2], [1, 1], [0, 0]);
  const reference = await openSession({ bytes: onnx });
  const shapes: unknown[] = [];
  const answers = [
    await session.run(feeds, names, (...shape) => shapes.push(shape)),
    await session.run(feeds, names),
  ];
  expect([session.takeOnnxruntimeRuns?.(), session.takeOnnxruntimeRuns?.()]).toEqual([2, 0]);
  const expected = await reference.run(feeds, names);
  expect(answers).toEqual([expected, expected]);
  expect(shapes).toEqual([
    ["label", [3], 3],
    ["scores", [3, 2], 3],
  ]);
  expect(opened).toHaveLength(1);
  await Promise.all([session.release(), reference.release()]);
});

test("a number that is none is onnxruntime's to answer, and the next request is compiled again", async () => {
  const { session, opened } = await open();
  const [, scores] = await session.run(toFeeds([Number.NaN, 1]), names);
  expect(scores).toEqual(Float32Array.of(Number.NaN, Number.NaN));
  await session.run(toFeeds([1, 2]), names);
  expect(opened).toHaveLength(1);
  await session.release();
});

test("onnxruntime is opened again for the next request if it could not be opened", async () => {
  let tries = 0;
  const { session } = await open(() =>
    ++tries === 1 ? Promise.reject(new Error("no memory")) : openSession({ bytes: onnx }),
  );
  await expect(session.run(toFeeds([1, 1]), names)).rejects.toThrow("no memory");
  const [label] = await session.run(toFeeds([1, 1]), ["label"]);
  expect(label).toHaveLength(1);
  await session.release();
});

test("a number that no integer holds is onnxruntime's to answer where the graph takes it as an integer", async () => {
  const { session, opened } = await open(() => openSession({ bytes: categories }), categories);
  // Whether a run is possible without a promise must not depend on the values.
  expect(session.runNow).toBeUndefined();
  const run = async (...values: readonly number[]) => {
    const feeds = {
      x: { type: "float32" as const, data: Float32Array.from(values), dims: [values.length, 1] },
    };
    return [...((await session.run(feeds, ["y"]))[0] as Float32Array)];
  };
  const least = -(2 ** 63);
  expect(await run(3, 7.9, -7, 7, least)).toEqual([1, 2, 1, 2, 1]);
  expect(opened).toEqual([]);
  const reference = await openSession({ bytes: categories });
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 63, least * 1.001]) {
    const feeds = { x: { type: "float32" as const, data: Float32Array.of(value), dims: [1, 1] } };
    expect(await session.run(feeds, ["y"])).toEqual(await reference.run(feeds, ["y"]));
    expect(opened).toHaveLength(1);
  }
  await Promise.all([session.release(), reference.release()]);
});
