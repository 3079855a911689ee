import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { print, printTable } from "#cli/print.ts";
import { evaluateCanary } from "#domain/canary/evaluate-canary.ts";
import { choosePercentiles } from "#domain/canary/p95-interval.ts";
import { createApp } from "#inference/app.ts";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import { createRecords } from "#inference/records/create-records.ts";
import { createService } from "#inference/service.ts";
import { Input, type Manifest } from "#model-folder/manifest/manifest.ts";
import { parseGolden } from "#model-folder/rows/parse-golden.ts";
import { parseHoldout } from "#model-folder/rows/parse-holdout.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { formatEmf } from "#platform/metrics/format-emf.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { parseEmf } from "#platform/metrics/parse-emf.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import { type Database, openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { floatType, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { openLog } from "#worlds/embedded/data/open-log.ts";
import { createJsonReporter, createTerminalReporter } from "#worlds/embedded/reporter.ts";

/** Names that every object inherits. `__proto__` is not allowed for a label (see below). */
const inheritedNames = ["constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf"] as const;
const now = Date.UTC(2026, 10, 28, 12);
const number = (name: string) => ({ name, type: "number", min: -10, max: 10 });
const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };

/** A model with these names as inputs and labels; it predicts the label of the greatest input. */
const loadArgmaxModel = (names: readonly string[]): Promise<LoadedModel> =>
  loadModel({
    manifest: buildManifest({
      name: "constructor",
      inputs: names.map(number),
      output: { labels: [...names] },
      gates,
    }),
    model: {
      bytes: writeOnnx({
        graph: {
          nodes: [{ op: "Identity", inputs: ["X"], outputs: ["scores"] }],
          inputs: [{ name: "X", type: floatType, shape: ["N", names.length] }],
          outputs: [{ name: "scores", type: floatType, shape: ["N", names.length] }],
        },
      }),
    },
  });

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let database: Database;
let metrics: ReturnType<typeof createSqliteMetrics>;
beforeAll(async () => {
  folder = await createTemporaryFolder();
  database = openDatabase(`${folder.path}/state.sqlite`);
  metrics = createSqliteMetrics({ database, clock: () => now });
});
afterAll(async () => {
  metrics.close();
  database.close();
  await folder.remove();
});

/** The service over HTTP as `functionVersion`, with records; each reported request passes as a function's log line. */
const startService = (model: LoadedModel, functionVersion: string) => {
  const reported: RequestMetrics[] = [];
  const store = createSqliteStore({ database, clock: () => now });
  const blobs = createFileBlobs({ folder: `${folder.path}/blobs` });
  const identity = {
    model: model.manifest.name,
    version: Number(functionVersion),
    digest: `sha256:${"a".repeat(64)}`,
    environment: "prod",
    functionVersion,
  } as const;
  let ids = 0;
  const log: string[] = [];
  const app = createAppClient(
    createApp(
      createService({
        model,
        identity,
        now: () => now,
        tick: () => 0,
        newId: () => `id-${functionVersion}-${++ids}`,
        report: (request) => {
          const read = parseEmf(formatEmf(request));
          if (read) {
            reported.push(read);
            metrics.request(read);
          }
        },
        log: (line) => log.push(line),
        records: createRecords({
          identity,
          manifest: model.manifest,
          hashKey: undefined,
          clock: () => now,
          log: (line) => log.push(line),
        })({ store, blobs }),
      }),
    ),
  );
  const post = async (path: string, body: unknown, type = "application/json") => {
    const response = await app.request(path, {
      method: "POST",
      headers: { "content-type": type },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: response.status, text: await response.text() };
  };
  return { app, post, reported, log };
};

const rule = {
  steps: [10, 50],
  bake: "PT30M",
  minSamples: 100,
  onInconclusive: "extend",
  atMost: "PT6H",
} as const;
const limits = { errorPoints: 1, latencyP95: { ratio: 1.5, slackMs: 5 }, labelSharePoints: 10 };

const judgeNames = async (names: readonly string[]) => {
  const readStatistics = async (version: string) =>
    metrics.statistics(
      { environment: "prod", model: "constructor", version, from: now - 1, to: now + 1 },
      { percentiles: choosePercentiles(300), labels: names },
    );
  const [champion, challenger] = [await readStatistics("1"), await readStatistics("2")];
  return evaluateCanary({
    rule: { ...rule, steps: [...rule.steps] },
    limits,
    labels: names,
    step: 0,
    champion,
    challenger,
    startedAt: now,
    now,
  });
};

describe("inputs and labels with names that every object inherits", () => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadArgmaxModel(inheritedNames);
  });
  afterAll(() => model.release());
  /** The row whose prediction is this label. */
  const row = (label: string) =>
    Object.fromEntries(inheritedNames.map((name) => [name, name === label ? 5 : 0.5]));

  test("are counted from the request to the canary's verdict", async () => {
    const champion = startService(model, "1");
    const challenger = startService(model, "2");
    for (let request = 0; request < 300; request++) {
      expect((await champion.post("/v1/predict", { rows: [row("constructor")] })).status).toBe(200);
      await challenger.post("/v1/predict", { rows: [row(request % 3 === 0 ? "constructor" : "toString")] });
    }
    expect(challenger.reported).toHaveLength(300);
    const judged = await judgeNames(inheritedNames);
    expect(judged.verdict).toBe("fail");
    expect(judged.checks.find(({ name }) => name === "canary labels")).toMatchObject({
      verdict: "fail",
      measured: 66.7,
    });
  });

  test("work in every protocol, with every score", async () => {
    const { app, post, log } = startService(model, "3");
    for (const label of inheritedNames) {
      const native = await post("/v1/predict", { rows: [row(label)] });
      const [prediction] = JSON.parse(native.text).predictions;
      expect(prediction).toEqual({ label, scores: row(label) });

      const values = inheritedNames.map((name) => row(label)[name]);
      const frames = [
        { dataframe_split: { columns: inheritedNames, data: [values] } },
        { dataframe_records: [row(label)] },
        { inputs: Object.fromEntries(inheritedNames.map((name) => [name, [row(label)[name]]])) },
        { instances: [values] },
      ];
      for (const frame of frames) {
        const { status, text } = await post("/invocations", frame);
        expect({ status, label: JSON.parse(text).predictions?.[0]?.label }).toEqual({ status: 200, label });
      }
      const csv = await post("/v1/predict", `${inheritedNames.join(",")}\n${values.join(",")}\n`, "text/csv");
      expect(csv.status).toBe(200);
      const tensors = inheritedNames.map((name) => ({
        name,
        datatype: "FP64",
        shape: [1, 1],
        data: [row(label)[name]],
      }));
      const oip = await post("/v2/models/constructor/infer", { inputs: tensors });
      expect(JSON.parse(oip.text).outputs[0]).toMatchObject({ name: "label", data: [label] });
      expect(JSON.parse(oip.text).outputs[1].data).toEqual(values);
    }
    const page = JSON.parse(await (await app.request("/v1/predictions?label=toString")).text());
    // 200 from the canary above, and one in each of seven protocols.
    expect(page.total).toBe(200 + 7);
    expect(
      page.items.every((item: { prediction: { label: string } }) => item.prediction.label === "toString"),
    ).toBe(true);
    expect(page.items[0].inputs).toEqual(row("toString"));
    expect(log).toEqual([]);
  });

  test("a missing input is reported, also where every object inherits its name", async () => {
    const { post } = startService(model, "4");
    const { constructor: _, ...rest } = row("toString");
    const { status, text } = await post("/v1/predict", { rows: [rest] });
    expect(status).toBe(422);
    expect(JSON.parse(text).errors).toEqual([{ pointer: "/rows/0/constructor", detail: "is required" }]);
  });

  test("__proto__ in a request is an unknown field and changes no other object", async () => {
    const { post } = startService(model, "5");
    const body = `{"rows":[{"__proto__":{"valueOf":1},${JSON.stringify(row("toString")).slice(1)}]}`;
    const { status, text } = await post("/v1/predict", body);
    expect(status).toBe(422);
    expect(JSON.parse(text).errors[0].pointer).toBe("/rows/0/__proto__");
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

/** Names as tables have them: none of them is a safe key, a safe CSV cell or a plain YAML text. */
const awkwardNames = [
  ...[
    "__proto__",
    "constructor",
    "label",
    "0",
    "od280/od315",
    "a~b",
    "Age (years)",
    "年齢",
    "annual.income €",
  ],
  ...[
    "a, b",
    'say "hi"',
    " leading",
    "trailing ",
    "😀",
    "x".repeat(256),
    "<!channel>",
    "# no comment",
    "null",
  ],
];

describe("inputs with any name", () => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel({
      manifest: buildManifest({
        name: "constructor",
        inputs: awkwardNames.map(number),
        output: { labels: awkwardNames.map((_, at) => `label ${at}`) },
        gates,
      }),
      model: {
        bytes: writeOnnx({
          graph: {
            nodes: [{ op: "Identity", inputs: ["X"], outputs: ["scores"] }],
            inputs: [{ name: "X", type: floatType, shape: ["N", awkwardNames.length] }],
            outputs: [{ name: "scores", type: floatType, shape: ["N", awkwardNames.length] }],
          },
        }),
      },
    });
  });
  afterAll(() => model.release());
  const values = awkwardNames.map((_, at) => at / 4);
  const row = Object.fromEntries(awkwardNames.map((name, at) => [name, values[at]]));
  const scores = Object.fromEntries(values.map((value, at) => [`label ${at}`, value]));
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

  test("reach the model in every protocol, and the records", async () => {
    const { app, post, log } = startService(model, "6");
    const native = await post("/v1/predict", { rows: [row] });
    expect(JSON.parse(native.text).predictions?.[0]?.scores).toEqual(scores);
    const frames = [
      { dataframe_split: { columns: awkwardNames, data: [values] } },
      { dataframe_records: [row] },
      { inputs: Object.fromEntries(awkwardNames.map((name, at) => [name, [values[at]]])) },
      { instances: [values] },
    ];
    for (const frame of frames) {
      const { status, text } = await post("/invocations", frame);
      expect({ status, scores: JSON.parse(text).predictions?.[0] }).toMatchObject({ status: 200, scores });
    }
    const csv = `${awkwardNames.map(quote).join(",")}\n${values.join(",")}\n`;
    expect(JSON.parse((await post("/v1/predict", csv, "text/csv")).text).predictions[0].scores).toEqual(
      scores,
    );
    const tensors = awkwardNames.map((name, at) => ({
      name,
      datatype: "FP64",
      shape: [1, 1],
      data: [values[at]],
    }));
    const oip = await post("/v2/models/constructor/infer", { inputs: tensors });
    expect(JSON.parse(oip.text).outputs[1].data).toEqual(values);
    const metadata = JSON.parse(await (await app.request("/v2/models/constructor")).text());
    expect(metadata.inputs.map(({ name }: { name: string }) => name)).toEqual(awkwardNames);

    const page = JSON.parse(await (await app.request("/v1/predictions?limit=1")).text());
    expect(Object.entries(page.items[0].inputs)).toEqual(Object.entries(row));
    expect(log).toEqual([]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("are named by the pointers of errors and by the OpenAPI document", async () => {
    const { app, post } = startService(model, "7");
    const wrong = Object.fromEntries(awkwardNames.map((name) => [name, "no number"]));
    const { status, text } = await post("/v1/predict", { rows: [wrong] });
    expect(status).toBe(422);
    expect(JSON.parse(text).errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(
      awkwardNames.map((name) => `/rows/0/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`),
    );
    const document = JSON.parse(await (await app.request("/openapi.json")).text());
    const schema = document.components.schemas.Row;
    expect(Object.keys(schema.properties).toSorted()).toEqual(awkwardNames.toSorted());
    expect(schema.required.toSorted()).toEqual(awkwardNames.toSorted());
  });

  test("are columns of the holdout and of golden.json; the truth has a column of another name", () => {
    const { manifest } = model;
    const header = [...awkwardNames.map(quote), "truth.label"].join(",");
    const holdout = parseHoldout(
      new TextEncoder().encode(`${header}\n${values.join(",")},label 1\n`),
      manifest,
    );
    expect(holdout).toMatchObject({ labels: ["label 1"] });
    expect(Object.entries(holdout.rows[0] ?? {})).toEqual(Object.entries(row));
    const golden = parseGolden(
      new TextEncoder().encode(
        JSON.stringify({ tolerance: 1e-5, rows: [row], predictions: [{ label: "label 1", scores }] }),
      ),
      manifest,
    );
    expect(Object.entries(golden.rows[0] ?? {})).toEqual(Object.entries(row));
  });
});

test.each([
  ["", "at least one character"],
  ["x".repeat(257), "at most 256 characters"],
  ["a\tb", "no control character"],
  ["a\nb", "no control character"],
  ["\ud800", "half of a surrogate pair"],
])("the manifest refuses %j as the name of an input", (name, reason) => {
  expect(Input.safeParse({ name, type: "boolean" }).error?.issues[0]?.message).toContain(reason);
});

test("the manifest refuses two inputs that look the same, and __proto__ as a label", () => {
  expect(() => buildManifest({ inputs: ["\u00e9", "e\u0301"].map(number) })).toThrow("two inputs are named");
  const buildWrong = (): Manifest => buildManifest({ output: { labels: ["__proto__", "stay"] }, gates });
  expect(buildWrong).toThrow("cannot be named __proto__");
});

const label = fc.oneof(
  fc.constantFrom(...inheritedNames, "__proto__"),
  fc.string({ minLength: 1, maxLength: 20 }),
);

test("whatever the labels are named, a function's log line has the count of each for the metrics", () => {
  let version = 100;
  return fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(label, fc.integer({ min: 1, max: 1_000 })), {
        selector: ([name]) => name.toWellFormed(),
        maxLength: 20,
      }),
      async (counts) => {
        const key = { environment: "prod", model: "any", version: String(++version) } as const;
        const labels = new Map(counts.map(([name, rows]) => [name.toWellFormed(), rows]));
        const read = parseEmf(
          formatEmf({ ...key, at: now, latencyMs: 1, failed: false, labels: new Map(counts) }),
        );
        if (!read) throw new Error("the line was not read");
        metrics.request(read);
        const statistics = await metrics.statistics({ ...key, from: now, to: now + 1 }, { percentiles: [] });
        expect({ requests: statistics.requests, labels: statistics.labels }).toEqual({ requests: 1, labels });
      },
    ),
    { numRuns: 100 },
  );
});

describe("names cannot forge lines", () => {
  /** Letters, and characters that end a line, move the cursor, hide text or reverse it. */
  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ...["\n", "\r\n", "\r", "\u2028", "\u2029", "\u0085", "\v", "\f", "\0", "\u001b[2K", "\u001b[1A"],
          ...["\u001b[8m", "\u001b]0;title\u0007", "\u009b2J", "\u202e", "\u2066", "\b\b\b"],
          "\n2026-11-28T12:00:00.000Z [prod churn 3] approved by Ada",
        ),
        fc.string({ unit: "grapheme", maxLength: 8 }),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join(""));
  const painted = new RegExp(`${"\u001b"}\\[(?:1|2|22|3[1-69])m`, "g");
  const controls = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

  test("an entry of the rehearsal's log starts with its time; continuation lines have a prefix", () => {
    let file = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(hostile, hostile), { minLength: 1, maxLength: 8 }), (entries) => {
        const path = `${folder.path}/log-${++file}`;
        const log = openLog({ path, clock: () => now });
        for (const [name, message] of entries) log(`[prod ${name} 3] a line`, new Error(message));
        const lines = readFileSync(path, "utf8").split("\n");
        expect(lines.pop()).toBe("");
        expect(lines.filter((line) => line.startsWith("2026-11-28T12:00:00.000Z [prod "))).toHaveLength(
          entries.length,
        );
        for (const line of lines) {
          expect(line).toMatch(/^(2026-11-28T12:00:00\.000Z \[prod | {4}\| )/);
          expect(line).not.toMatch(controls);
        }
      }),
    );
  });

  test("a line of JSON stays one line with the same JSON", () => {
    fc.assert(
      fc.property(hostile, hostile, (name, cause) => {
        const line = captureStdout(() =>
          createJsonReporter().event({
            event: "outcome",
            delivery: name,
            outcome: "failed",
            error: name,
            cause,
          }),
        );
        expect(line.slice(0, -1)).not.toMatch(controls);
        expect(line.at(-1)).toBe("\n");
        expect(JSON.parse(line)).toMatchObject({ delivery: name, cause });
      }),
    );
  });

  test("at the terminal an event's names stay on their line and hide nothing", () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const serving = captureStdout(() =>
          createTerminalReporter().event({
            event: "serving",
            environment: "prod",
            model: name,
            version: 1,
            digest: "",
            url: "",
          }),
        );
        expect(serving.split("\n")).toHaveLength(2);
        for (const line of `${serving}${captureStdout(() => print(name))}`.split("\n"))
          expect(line.replaceAll(painted, "")).not.toMatch(controls);
        const table = captureStdout(() => printTable(["model", "reason"], [["churn", name]]));
        expect(table.split("\n")).toHaveLength(3);
      }),
    );
  });
});

/** The output on stdout during `work`. */
const captureStdout = (work: () => void): string => {
  const chunks: string[] = [];
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => chunks.push(String(chunk)) > 0);
  try {
    work();
  } finally {
    spy.mockRestore();
  }
  return chunks.join("");
};
