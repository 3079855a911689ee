/**
 * onnxruntime-node behind node:http and nothing else: no validation, no ids. Without DATA no records: its throughput is about
 * the maximum for this way to serve. With DATA, a folder, each request is one insert into SQLite before its response, with
 * the promise of Slipway's records: they survive the process, and a power cut may take the last ones.
 * `plain-server.mjs FOLDER PORT [DATA]`
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import ort from "onnxruntime-node";
import { openTokenizer } from "#inference/text/open-tokenizer.ts";

const [folder, port, data] = process.argv.slice(2);
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

const openRecords = (into) => {
  mkdirSync(into, { recursive: true });
  const database = new DatabaseSync(join(into, "records.sqlite"));
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
    CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, at INTEGER, request TEXT, response TEXT) WITHOUT ROWID`);
  return database.prepare("INSERT INTO records VALUES (?, ?, ?, ?)");
};
const records = data === undefined ? undefined : openRecords(data);

/** A graph of numbers alone takes all of them as one matrix. */
const matrix = (rows) => {
  const values = new Float32Array(rows.length * inputs.length);
  let at = 0;
  for (const row of rows) for (const { name } of inputs) values[at++] = row[name] ?? Number.NaN;
  return { [session.inputNames[0]]: new ort.Tensor("float32", values, [rows.length, inputs.length]) };
};

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

const toFeeds = tokenizer ? tokens : session.inputNames.length === 1 && inputs.length > 1 ? matrix : columns;

const predict = async (rows) => {
  const { probabilities } = await session.run(toFeeds(rows), ["probabilities"]);
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
    const text = Buffer.concat(chunks).toString("utf8");
    const { rows } = JSON.parse(text);
    const answer = JSON.stringify({ predictions: await predict(rows) });
    records?.run(randomUUID(), Date.now(), text, answer);
    const body = Buffer.from(answer);
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body);
  });
}).listen(Number(port), "127.0.0.1");
