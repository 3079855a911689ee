import { expect, test } from "vitest";
import { EmbeddingOutput } from "#model-folder/manifest/task-outputs.ts";
import { OutputNotFinite } from "./output-not-finite.ts";
import { readEmbeddings } from "./read-embeddings.ts";

const encode = (tokens: number) => ({
  ids: new Uint32Array(tokens),
  typeIds: new Uint32Array(tokens),
  attentionMask: new Uint32Array(tokens).fill(1),
  cutEncodings: 0,
});
/** Two texts of 2 and 1 tokens, filled up to 3; padding has the number 99. */
const right = new Float32Array([3, 4, 1, -2, 99, 99, 6, 8, 99, 99, 99, 99]);
const left = new Float32Array([99, 99, 3, 4, 1, -2, 99, 99, 99, 99, 6, 8]);
const batch = (starts: readonly [number, number]) => ({
  width: 3,
  rows: [2, 1].map((tokens, row) => ({ text: "", encoding: encode(tokens), start: starts[row] ?? 0 })),
});

test.each([
  ["mean", false, [2, 1], [6, 8]],
  ["cls", false, [3, 4], [6, 8]],
  ["max", false, [3, 4], [6, 8]],
  ["cls", true, [0.6, 0.8], [0.6, 0.8]],
])(
  "%s over the tokens leaves out padding on either side (normalized: %s)",
  (pooling, normalize, first, second) => {
    const read = readEmbeddings(EmbeddingOutput.parse({ dimensions: 2, pooling, normalize }));
    for (const predictions of [read([right], 2, batch([0, 0])), read([left], 2, batch([1, 2]))])
      expect(predictions).toEqual(
        [first, second].map((vector) => ({ scores: {}, tensors: { embedding: vector.map(Math.fround) } })),
      );
  },
);

test("a graph's own vectors are taken as they are, and must be finite and complete", () => {
  const read = readEmbeddings(EmbeddingOutput.parse({ name: "vector", dimensions: 2, normalize: true }));
  expect(read([new Float32Array([3, 4, 0, 0])], 2)).toEqual([
    { scores: {}, tensors: { vector: [0.6, 0.8].map(Math.fround) } },
    { scores: {}, tensors: { vector: [0, 0] } },
  ]);
  for (const data of [new Float32Array(3), new Float32Array([1, Number.NaN, 1, 1])])
    expect(() => read([data], 2)).toThrow(OutputNotFinite);
});
