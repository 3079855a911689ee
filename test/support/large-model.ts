import { createHash } from "node:crypto";
import * as z from "zod";
import { writeLargeOnnx } from "./onnx/write-large-onnx.ts";
import { floatType, type Graph, int64Type } from "./onnx/write-onnx.ts";
import { buildModelYaml } from "./toy-model.ts";

/** 102,400 items with 1,024 numbers of 4 bytes each: 400 MB. */
const items = 102_400;
const width = 1_024;
const itemsPerChunk = 1_024;
const holdoutRows = 200;
const goldenRows = 20;
const goldenTolerance = 1e-4;

type Row = { readonly item: number; readonly quantity: number };

/**
 * A number in [-1, 1) for each place of a table, without the numbers before it. It has 24 random bits, which a 32-bit
 * float holds exactly and no compression removes. Mixing: lowbias32, https://nullprogram.com/blog/2018/07/31/
 */
const drawNumber = (seed: number, place: number): number => {
  let mixed = (place + Math.imul(seed, 0x9e3779b9)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return ((mixed ^ (mixed >>> 16)) >>> 8) / 2 ** 23 - 1;
};
const getEmbedding = (item: number, column: number): number => drawNumber(1, item * width + column);
/** A division by 16 changes only the exponent. */
const getWeight = (column: number): number => drawNumber(2, column) / 16;

function* writeEmbeddings(): Iterable<Uint8Array> {
  for (let first = 0; first < items; first += itemsPerChunk) {
    const values = new Float32Array(itemsPerChunk * width);
    for (let place = 0; place < values.length; place += 1)
      values[place] = drawNumber(1, first * width + place);
    yield new Uint8Array(values.buffer);
  }
}

/** demand = quantity × (embedding of the item · weights) */
const graph: Graph = {
  nodes: [
    { op: "Flatten", inputs: ["item"], outputs: ["items"] },
    { op: "Gather", inputs: ["embeddings", "items"], outputs: ["found"] },
    { op: "Flatten", inputs: ["found"], outputs: ["embedding"] },
    { op: "MatMul", inputs: ["embedding", "weights"], outputs: ["one"] },
    { op: "Mul", inputs: ["one", "quantity"], outputs: ["demand"] },
  ],
  initializers: [
    {
      name: "weights",
      type: floatType,
      dims: [width, 1],
      float: Array.from({ length: width }, (_, column) => getWeight(column)),
    },
  ],
  inputs: [
    { name: "item", type: int64Type, shape: ["N", 1] },
    { name: "quantity", type: floatType, shape: ["N", 1] },
  ],
  outputs: [{ name: "demand", type: floatType, shape: ["N", 1] }],
};

/** The demand of a row in 64-bit arithmetic, by the definition of the table and without the ONNX file. */
const predictDemand = ({ item, quantity }: Row): number => {
  let sum = 0;
  for (let column = 0; column < width; column += 1) sum += getEmbedding(item, column) * getWeight(column);
  return sum * quantity;
};

const listRows = (count: number, seed: number): readonly Row[] =>
  Array.from({ length: count }, (_, place) => ({
    item: Math.floor(((drawNumber(seed, place) + 1) / 2) * items),
    quantity: (place % 8) + 0.5,
  }));

const PredictResponse = z.object({ predictions: z.array(z.object({ value: z.number() })) });

/**
 * Asks a served model (`<url>/v1/predict`) for rows that are neither golden nor in the holdout, the last item of the table
 * among them; returns the largest absolute difference from `predictDemand`. Throws on any status except 200.
 */
const measureLargestDifference = async (url: string): Promise<number> => {
  const rows = [...listRows(8, 5), { item: items - 1, quantity: 2 }];
  const response = await fetch(`${url}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text.slice(0, 300)}`);
  const { predictions } = PredictResponse.parse(JSON.parse(text));
  return Math.max(
    ...rows.map((row, index) => Math.abs((predictions[index]?.value ?? Number.NaN) - predictDemand(row))),
  );
};

/** A model of 400 MB: a table of embeddings, and a regression on one of them. */
export const createLargeModel = () => {
  const name = "demand";
  const artifact = writeLargeOnnx(graph, {
    name: "embeddings",
    dims: [items, width],
    data: writeEmbeddings,
  });
  const golden = listRows(goldenRows, 3);
  return {
    name,
    artifact,
    measureLargestDifference,
    /** What 32-bit sums may differ from 64-bit ones. */
    tolerance: goldenTolerance,
    hashArtifact: (): string => {
      const hash = createHash("sha256");
      for (const chunk of artifact.open()) hash.update(chunk);
      return hash.digest("hex");
    },
    /** The files of the model's folder; `address` is the manifest's `artifact`. */
    buildFiles: (address: string): Readonly<Record<string, string>> => ({
      "model.yaml": buildModelYaml({
        name,
        artifact: address,
        task: "regression",
        inputs: `[{ name: item, type: integer, min: 0, max: ${items - 1} }, { name: quantity, type: number, min: 0, max: 100 }]`,
        output: "{ name: demand }",
        gates:
          "{ rmse: { max: 0.001 }, latencyP95Ms: 1000, imageSizeMb: 1000, vulnerabilities: { critical: 0, high: 5 } }",
        resources: "{ memoryMb: 2048, timeoutSeconds: 60 }",
      }),
      "golden.json": JSON.stringify({
        tolerance: goldenTolerance,
        rows: golden,
        predictions: golden.map((row) => {
          const demand = predictDemand(row);
          return { value: demand, scores: { demand } };
        }),
      }),
      "holdout.csv": [
        "item,quantity,label",
        ...listRows(holdoutRows, 4).map((row) => `${row.item},${row.quantity},${predictDemand(row)}`),
        "",
      ].join("\n"),
    }),
  };
};
