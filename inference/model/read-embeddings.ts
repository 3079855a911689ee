import type { TokenBatch } from "#inference/text/token-batch.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { assertFinite, type Numbers } from "./assert-finite.ts";

type EmbeddingOutput = Extract<Manifest, { task: "embedding" }>["output"];
type Pooling = Exclude<EmbeddingOutput["pooling"], "none">;

/** The least length that a vector is divided by, as torch.nn.functional.normalize has it. */
const leastLength = 1e-12;

const divideByLength = (vector: Float64Array): Float64Array => {
  const length = Math.max(leastLength, Math.hypot(...vector));
  return vector.map((value) => value / length);
};

/** Joins the vectors of a text's tokens, which lie one after the other. */
const pool = (vectors: Numbers, dimensions: number, pooling: Pooling): Float64Array => {
  const tokens = vectors.length / dimensions;
  const read = (token: number, dimension: number): number => vectors[token * dimensions + dimension] ?? 0;
  return Float64Array.from({ length: dimensions }, (_, dimension) => {
    switch (pooling) {
      case "cls":
        return read(0, dimension);
      case "mean": {
        let sum = 0;
        for (let token = 0; token < tokens; token++) sum += read(token, dimension);
        return sum / tokens;
      }
      case "max": {
        let largest = Number.NEGATIVE_INFINITY;
        for (let token = 0; token < tokens; token++) largest = Math.max(largest, read(token, dimension));
        return largest;
      }
      default:
        return pooling satisfies never;
    }
  });
};

/** The place of each row's vectors in the output, and how many it has: all of its tokens, without padding. */
const listSpans = (tokens: TokenBatch, dimensions: number) =>
  tokens.rows.map(({ start, encoding }, row) => {
    const from = (row * tokens.width + start) * dimensions;
    // A text may have no token at all: then its padding has to stand for it.
    return { from, to: from + Math.max(1, encoding.ids.length) * dimensions };
  });

/**
 * Reads one vector per row: the graph's own, or its tokens' joined by the manifest's pooling over the tokens that are no
 * padding, as sentence-transformers does (mean, cls, max), then divided by its length where the manifest says so. Numbers
 * are those of a float32.
 */
export const readEmbeddings =
  ({ name, dimensions, pooling, normalize }: EmbeddingOutput) =>
  ([data]: readonly unknown[], rows: number, tokens?: TokenBatch): Prediction[] => {
    const isPooled = pooling !== "none";
    if (isPooled && !tokens) throw new TypeError("pooling needs the tokens of the rows");
    const width = isPooled ? (tokens?.width ?? 0) * dimensions : dimensions;
    const numbers = assertFinite(data, rows * width);
    const spans =
      isPooled && tokens
        ? listSpans(tokens, dimensions)
        : Array.from({ length: rows }, (_, row) => ({ from: row * dimensions, to: (row + 1) * dimensions }));
    return spans.map(({ from, to }) => {
      const own = numbers.subarray(from, to);
      const vector = isPooled ? pool(own, dimensions, pooling) : Float64Array.from(own);
      const result = normalize ? divideByLength(vector) : vector;
      return { scores: {}, tensors: { [name]: Array.from(result, Math.fround) } };
    });
  };
