/**
 * onnxruntime-node behind node:http and nothing else: no validation, no records, no ids. Its throughput is about the
 * maximum for this way to serve. `plain-server.mjs FOLDER PORT`
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import ort from "onnxruntime-node";
import { openTokenizer } from "#inference/text/open-tokenizer.ts";

const [folder, port] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const { inputs, output, tokenizer: tokenizerOptions } = read("manifest.json");
const { labels } = output;
const session = await ort.InferenceSession.create(join(folder, "model.onnx"), {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
});
const tokenizer =
  tokenizerOptions &&
  openTokenizer(readFileSync(join(folder, tokenizerOptions.file)), tokenizerOptions.maxTokens);

const columns = (rows) =>
  Object.fromEntries(
    inputs.map(({ name, type }) => {
      const text = type === "category" || type === "string";
      const values = rows.map((row) => row[name] ?? Number.NaN);
      const tensor = text
        ? new ort.Tensor("string", values, [rows.length, 1])
        : new ort.Tensor("float32", Float32Array.from(values), [rows.length, 1]);
      return [name, tensor];
    }),
  );

const tokens = (rows) => {
  const ids = rows.map((row) => tokenizer.encode(row[inputs[0].name]).ids);
  const width = Math.max(...ids.map(({ length }) => length));
  const input = new BigInt64Array(rows.length * width);
  const mask = new BigInt64Array(rows.length * width);
  for (const [at, row] of ids.entries())
    for (const [index, id] of row.entries()) {
      input[at * width + index] = BigInt(id);
      mask[at * width + index] = 1n;
    }
  const dims = [rows.length, width];
  return {
    input_ids: new ort.Tensor("int64", input, dims),
    attention_mask: new ort.Tensor("int64", mask, dims),
  };
};

const predict = async (rows) => {
  const { probabilities } = await session.run(tokenizer ? tokens(rows) : columns(rows), ["probabilities"]);
  const { data } = probabilities;
  return rows.map((_, row) => {
    const scores = {};
    let best = labels[0];
    labels.forEach((label, at) => {
      scores[label] = data[row * labels.length + at];
      if (scores[label] > scores[best]) best = label;
    });
    return { label: best, scores };
  });
};

createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", async () => {
    const { rows } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const body = Buffer.from(JSON.stringify({ predictions: await predict(rows) }));
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body);
  });
}).listen(Number(port), "127.0.0.1");
