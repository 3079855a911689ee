import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { draftModelFolder } from "#cli/new-model/draft-model-folder.ts";
import { createApp } from "#inference/app.ts";
import { loadModel } from "#inference/model/load-model.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";

import { Golden, type Row } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { findGoldenDifferences } from "#model-folder/rows/compare-golden.ts";
import { readContent } from "#platform/files/file-content.ts";
import { createMlflowModel } from "#platform/registry/mlflow/mlflow-model.ts";
import { createPythonEnvironment, requirePython } from "#test/peers/python-environment.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { createTestService } from "#test/support/onnx/create-test-service.ts";
import { smallModels } from "#test/support/onnx/small-models.ts";
import { floatType, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { readDocsPython } from "#test/support/read-docs-python.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { type DataFrameRecord, toDataFrameRecords } from "./data-frame-records.ts";

const { skip } = requirePython("MLflow's own clients");
const root = fileURLToPath(new URL("../..", import.meta.url));
const script = join(root, "test", "peers", "mlflow", "score_models.py");
const environment = join(root, "test", "peers", "requirements-mlflow.txt");

type Asked = {
  readonly name: string;
  readonly manifest: string;
  readonly artifact: Uint8Array;
  readonly tokenizer: Uint8Array | undefined;
  readonly rows: readonly Row[];
  readonly golden?: Golden;
};

/** A model's folder, of names and contents. */
const fromFolder = (files: ReadonlyMap<string, Uint8Array>, name: string): Asked => {
  const text = (file: string) => new TextDecoder().decode(files.get(file));
  const manifest = readManifest(text("model.yaml"));
  const golden = Golden.parse(JSON.parse(text("golden.json")));
  return {
    name,
    manifest: text("model.yaml"),
    artifact: files.get(getArtifactFile(manifest)) ?? new Uint8Array(),
    tokenizer: manifest.tokenizer && files.get(manifest.tokenizer.file),
    rows: golden.rows,
    golden,
  };
};
const committed = async (name: string): Promise<Asked> => {
  const folder = join(root, "models", name);
  const read = async (file: string) => [file, new Uint8Array(await readFile(join(folder, file)))] as const;
  return fromFolder(new Map(await Promise.all((await readdir(folder)).map(read))), name);
};

/** Exports of forms that the committed models have not. */
const exported = [
  "lightgbm-binary",
  "string-matrix",
  "mlp-logits",
  "sigmoid-column",
  "ridge-double",
  "multi-output",
  "linear-svc",
  "ridge-classifier",
];
const brought = async (name: string): Promise<Asked> => {
  const file = (one: string) => readFile(join(root, "test", "support", "onnx-exports", name, one));
  const { target } = JSON.parse(
    await readFile(join(root, "test", "support", "onnx-exports", name, "case.json"), "utf8"),
  );
  const { files } = await draftModelFolder({
    name,
    onnx: await file("model.onnx"),
    csv: await file("data.csv"),
    csvName: "data.csv",
    targets: [target].flat(),
    tokenizer: undefined,
    ignored: [],
    owner: undefined,
    approvers: [],
    policyApprovers: ["U024BE7LH"],
  });
  return fromFolder(files, name);
};
const made: readonly Asked[] = Object.values(smallModels).map(({ manifest, graph, tokenizer, rows }) => ({
  name: manifest.name,
  manifest: JSON.stringify(written(manifest)),
  artifact: writeOnnx({ graph }),
  tokenizer,
  rows,
}));
/** A manifest as it would be written: integer labels as numbers. */
function written(manifest: (typeof smallModels)[keyof typeof smallModels]["manifest"]) {
  if (manifest.task !== "classification" || manifest.output.labelType === "string") return manifest;
  return { ...manifest, output: { ...manifest.output, labels: manifest.output.labels.map(Number) } };
}

/** Inputs of any name, and an identifier beyond 2^53. The rows come from JSON, because a literal has no own `__proto__`. */
const awkward = (): Asked => {
  const names = ["__proto__", "label", "od280/od315", "年齢", 'a, "b"', "0", " 😀~ ", "Age (years)"];
  const columns = [...names, "id"];
  const manifest = buildManifest({
    name: "awkward",
    inputs: [
      ...names.map((name) => ({ name, type: "number", min: 0, max: 100 })),
      { name: "id", type: "string", format: "int64" },
    ],
    output: { labels: columns.map((_, at) => `label ${at}`) },
    gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
  });
  return {
    name: "awkward",
    manifest: JSON.stringify(manifest),
    artifact: writeOnnx({
      graph: {
        nodes: [
          { op: "Mod", inputs: ["id", "thousand"], outputs: ["rest"] },
          { op: "Cast", inputs: ["rest"], outputs: ["digits"], attributes: [{ name: "to", int: floatType }] },
          {
            op: "Concat",
            inputs: [...names, "digits"],
            outputs: ["scores"],
            attributes: [{ name: "axis", int: 1 }],
          },
        ],
        initializers: [{ name: "thousand", type: int64Type, dims: [1], int64: [1_000] }],
        inputs: columns.map((name) => ({
          name,
          type: name === "id" ? int64Type : floatType,
          shape: ["N", 1],
        })),
        outputs: [{ name: "scores", type: floatType, shape: ["N", columns.length] }],
      },
    }),
    tokenizer: undefined,
    rows: [0, 1].map((row) => ({
      ...Object.fromEntries(names.map((name, at) => [name, at + row + 0.5])),
      id: String(1835849871777350123n + BigInt(row)),
    })),
  };
};

const order = async () => {
  const own = (await readdir(join(root, "models"))).toSorted(
    (a, b) => Number(b === "churn") - Number(a === "churn"),
  );
  return [
    ...(await Promise.all(own.map(committed))),
    ...made,
    awkward(),
    ...(await Promise.all(exported.map(brought))),
  ];
};

/** Bodies for the first model in each form that MLflow's own scoring server takes as well. */
const bodiesOf = (rows: readonly Row[]): Record<string, readonly [type: string, text: string]> => {
  const names = Object.keys(rows[0] ?? {});
  const json = (body: unknown) => ["application/json", JSON.stringify(body)] as const;
  const data = rows.map((row) => Object.values(row));
  const columns = Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]));
  return {
    split: json({ dataframe_split: { columns: names, data } }),
    "split with an index": json({
      dataframe_split: { index: rows.map((_, at) => at + 5), columns: names, data },
    }),
    records: json({ dataframe_records: rows }),
    "inputs as records": json({ inputs: rows }),
    "instances as records": json({ instances: rows.filter(({ total_charges }) => total_charges !== null) }),
    "inputs as columns": json({
      inputs: { ...columns, total_charges: rows.map((row) => row.total_charges ?? 0) },
    }),
    "inputs as the values of one row": json({ inputs: rows[0] }),
    params: json({ dataframe_records: rows, params: { temperature: 1 } }),
    csv: ["text/csv", [names, ...data].map((cells) => cells.join(",")).join("\n")],
  };
};

type Records = readonly DataFrameRecord[];
const expectClose = (given: unknown, expected: Records) => {
  expect(given).toHaveLength(expected.length);
  for (const [row, record] of expected.entries()) {
    const answer = Object(given)[row];
    expect(Object.keys(answer).toSorted()).toEqual(Object.keys(record).toSorted());
    for (const [name, value] of Object.entries(record))
      if (typeof value === "number" && name !== "label")
        expect(Math.abs(answer[name] - value), `${name} of row ${row}`).toBeLessThan(
          Math.max(1e-5, Math.abs(value) * 1e-5),
        );
      else expect(answer[name]).toBe(value);
  }
};

describe.skipIf(skip)("MLflow's own code and the service give equal responses", () => {
  const services = new Map<string, { readonly asked: Asked; readonly records: Records }>();
  const served: Record<string, Records> = {};
  let first: Asked | undefined;
  let found: Record<string, Record<string, Record<string, unknown>>> = {};

  beforeAll(async () => {
    await using stack = new AsyncDisposableStack();
    const { python } = await createPythonEnvironment(environment);
    const folder = await createTemporaryFolder();
    stack.defer(folder.remove);
    const cases: unknown[] = [];
    let address = "";
    for (const asked of await order()) {
      first ??= asked;
      const { name, rows } = asked;
      const manifest = readManifest(asked.manifest);
      const model = await loadModel({
        manifest,
        model: { bytes: asked.artifact },
        tokenizer: asked.tokenizer,
      });
      stack.defer(() => model.release());
      services.set(name, { asked, records: toDataFrameRecords(manifest)(await model.predict(rows)) });
      const server = await startHttpServer(0);
      stack.defer(server.close);
      const app = createAppClient(createApp(createTestService(model)));
      server.serve(app);
      const registration = { model: name, delivery: "delivery-1", tags: {}, metrics: {}, ...asked };
      const files = createMlflowModel(registration, {
        runId: "0".repeat(32),
        createdAt: Date.UTC(2026, 10, 21),
      });
      for (const [file, bytes] of files) {
        const path = join(folder.path, name, file);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, await readContent(bytes));
      }
      address ||= server.url;
      cases.push({ name, folder: join(folder.path, name), url: server.url, rows });
      if (asked === first)
        for (const [form, [type, body]] of Object.entries(bodiesOf(rows))) {
          const headers = { "content-type": type };
          const answer = await app.request("/invocations", { method: "POST", body, headers });
          served[form] = Object(await answer.json()).predictions;
        }
    }
    const question = join(folder.path, "question.json");
    const documented = readDocsPython("ScoringServerClient", address);
    await writeFile(question, JSON.stringify({ cases, bodies: bodiesOf(first?.rows ?? []), documented }));
    const env = {
      PATH: process.env.PATH,
      HOME: folder.path,
      PYTHONDONTWRITEBYTECODE: "1",
      MLFLOW_DISABLE_TELEMETRY: "true",
    };
    const { stdout } = await promisify(execFile)(python, [script, question], {
      env,
      cwd: root,
      maxBuffer: 64 * 1_024 * 1_024,
    });
    found = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  }, 600_000);

  test("for every model and form of graph, registered and served", () => {
    expect([...services.keys()].slice(0, 1)).toEqual(["churn"]);
    expect(services.size).toBeGreaterThanOrEqual(10);
    for (const [name, { records }] of services) {
      const { typed, served } = Object(found.cases?.[name]);
      expectClose(typed, records);
      // JSON carries a number to its last digit.
      expect(served, name).toEqual(records);
    }
  });

  test("for every committed model, as at training, with a DataFrame from pandas", () => {
    for (const [name, { asked }] of services) {
      if (!asked.golden || exported.includes(name)) continue;
      const { frame } = Object(found.cases?.[name]);
      expect(frame).toHaveLength(asked.rows.length);
      const predictions = asked.golden.predictions.map(({ label, value, scores }, row) => {
        const answer = frame[row];
        const given = Object.fromEntries(Object.keys(scores).map((score) => [score, answer[score]]));
        return {
          label: label && String(answer.label),
          ...(value === undefined ? {} : { value: Object.values(given)[0] }),
          scores: given,
        };
      });
      expect(findGoldenDifferences(asked.golden, predictions), name).toEqual([]);
    }
  });

  test("in the types of the signature", () => {
    const outputs = (name: string) => Object(found.cases?.[name]).outputs;
    expect(outputs("churn")).toEqual([
      ["label", "string"],
      ["band", "string"],
      ["stay", "double"],
      ["churn", "double"],
    ]);
    expect(outputs("matrix")).toEqual([
      ["label", "long"],
      ["7", "double"],
      ["8", "double"],
    ]);
    expect(outputs("two")).toEqual([
      ["a", "double"],
      ["b", "double"],
    ]);
  });

  test("for every form of a body, compared with MLflow's scoring server", () => {
    const forms = Object.keys(bodiesOf(first?.rows ?? []));
    expect(Object.keys(served)).toEqual(forms);
    for (const form of forms) expectClose(found.bodies?.[form], served[form] ?? []);
  });

  test("with params, from an array, as the documentation shows, and after each refusal", () => {
    const records = services.get("churn")?.records;
    expect(found.params).toEqual(records);
    expect(found.array).toEqual(records);
    expect(found.again).toEqual(records);
    expect(found.version).toMatch(/^3\./);
    expect(String(found.documented).replaceAll("'", '"').replaceAll(", ", ",")).toBe(
      `${JSON.stringify(records?.slice(0, 3).map(({ label }) => label))}\n`,
    );
  });

  test("and the client raises a refusal with the value's position", () => {
    const place = Object.keys(first?.rows[0] ?? {}).indexOf("contract");
    const raised = (message: string) => ({ raised: "Exception", message: expect.stringContaining(message) });
    expect(found.wrong).toEqual(raised(`/dataframe_split/data/0/${place} must be one of`));
    expect(found.wrong?.message).toContain("error code 422");
    expect(found.missing).toEqual(raised("/dataframe_split/columns tenure: required column is missing"));
    expect(found.twice).toEqual(raised("duplicate column"));
  });
});
