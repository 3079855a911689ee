/**
 * Runs a graph on rows and tells all that it gives, before there is a manifest that says what to fetch:
 * `node probe-process.ts <folder>` with model.onnx and probe.json. The result is one JSON line on the third file
 * descriptor, because a model's native code may write to the others.
 */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { bindInputs } from "../../inference/bind-inputs.ts";
import { encodeRows } from "../../inference/encode-rows.ts";
import { Input, Row } from "../../inference/manifest.ts";
import { ModelUnreadable } from "../../inference/model-unreadable.ts";
import { RowsInvalid } from "../../inference/rows-invalid.ts";
import { openSession } from "../../inference/session.ts";
import type { Probe } from "./probe-model.ts";

const Question = z.object({ inputs: z.array(Input), rows: z.array(Row) });
const timedRuns = 100;
const timedMs = 1_000;

const feedsOf = (encode: ReturnType<typeof encodeRows>, rows: readonly Row[]) => {
  const encoded = encode(rows);
  if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
  return encoded.feeds;
};

/** JSON has neither NaN nor 64-bit integers. */
const plain = (data: unknown): (number | string | null)[] | undefined => {
  if (data instanceof Float32Array || data instanceof Float64Array)
    return Array.from(data, (value) => (Number.isFinite(value) ? value : null));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data, String);
  if (data instanceof Int32Array || data instanceof Uint8Array) return Array.from(data, String);
  return Array.isArray(data) ? data.map(String) : undefined;
};

const probe = async (folder: string): Promise<Probe> => {
  const { inputs, rows } = Question.parse(JSON.parse(readFileSync(join(folder, "probe.json"), "utf8")));
  const session = await openSession({ path: join(folder, "model.onnx") });
  const bound = bindInputs({ inputs }, session.inputs);
  if (bound.status === "mismatched")
    throw new ModelUnreadable(bound.mismatches.map(({ message }) => message).join("\n"));
  const encode = encodeRows(bound.columns);
  const names = session.outputs.filter(({ kind }) => kind === "tensor").map(({ name }) => name);
  const run = (asked: readonly Row[]) =>
    session.run(
      Object.fromEntries(
        feedsOf(encode, asked).map(({ name, type, data, dims }) => [
          name,
          new session.Tensor(type, data, dims),
        ]),
      ),
      names,
    );
  const given = await run(rows);
  const outputs = names.flatMap((name, at) => {
    const data = plain(given[at]);
    return data ? [{ name, data }] : [];
  });
  const milliseconds: number[] = [];
  const started = performance.now();
  for (let at = 0; at < timedRuns && performance.now() - started < timedMs; at++) {
    const before = performance.now();
    await run(rows.slice(at % rows.length, (at % rows.length) + 1));
    milliseconds.push(performance.now() - before);
  }
  return { status: "answered", outputs, milliseconds };
};

const result = await probe(process.argv[2] ?? "").catch((error: unknown) => ({
  status: "failed",
  message: error instanceof Error ? error.message : String(error),
}));
writeSync(3, `${JSON.stringify(result)}\n`);
