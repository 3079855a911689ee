import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { buildValidRequests, hostileRequest } from "#test/support/hostile-requests.ts";
import { buildManifest, readChurnFiles, readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createRecordsFixture } from "#test/support/records-fixture.ts";
import { createApp } from "./app.ts";
import type { HttpResponse } from "./http/http-response.ts";
import { type LoadedModel, loadModel } from "./model/load-model.ts";
import { createUuidV7 } from "./records/uuid-v7.ts";
import { createService } from "./service.ts";

let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel({
    manifest: buildManifest({}),
    model: { bytes: readChurnFiles().get("model.onnx") ?? new Uint8Array() },
  });
});
afterAll(() => model.release());

const goldenRows: readonly Row[] = readChurnGolden().rows;
const identity = {
  model: "churn",
  version: 3,
  digest: `sha256:${"a".repeat(64)}`,
  environment: "prod",
  functionVersion: "7",
} as const;

type Inputs = Manifest["records"]["inputs"];

/** A service with all that it leaves: metrics, log lines and records. @param appends whether it records as `slipway serve` does */
const createServed = (served: LoadedModel, inputs: Inputs, appends = false) => {
  const records = createRecordsFixture({ inputs, appends, hashKey: async () => new Uint8Array(32).fill(7) });
  const reported: RequestMetrics[] = [];
  const logged: string[] = [];
  let ids = 0;
  const formatId = (count: number) =>
    createUuidV7(records.time.now, `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`);
  const app = createApp(
    createService({
      model: served,
      identity,
      now: () => records.time.now,
      tick: () => 0,
      newId: () => formatId(++ids),
      report: (metrics) => reported.push(metrics),
      log: (line) => logged.push(line),
      records: { recorder: records.recorder, reader: records.reader },
    }),
  );
  const post = (body: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<HttpResponse> =>
    app.handle({
      method: "POST",
      path: "/v1/predict",
      query: "",
      header: (name) => ({ "content-type": "application/json", ...headers })[name],
      body: async () => body,
    });
  return { post, records, reported, logged, lastId: () => formatId(ids) };
};

const createBoth = (inputs: Inputs = "full", appends = false) => {
  let scans = 0;
  const { columns, ...objects } = model;
  if (!columns) throw new Error("the model has no path through columns");
  const counted: LoadedModel = {
    ...model,
    columns: {
      ...columns,
      scan(body, needs) {
        const scanned = columns.scan(body, needs);
        if (scanned) scans++;
        return scanned;
      },
    },
  };
  return {
    columns: createServed(counted, inputs, appends),
    objects: createServed(objects, inputs),
    countScans: () => scans,
  };
};
type Both = ReturnType<typeof createBoth>;

/** Posts a body to both services and asserts that a caller, and later a reader of records, can find no difference. */
const expectSame = async (
  { columns, objects }: Both,
  body: Uint8Array,
  headers?: Readonly<Record<string, string>>,
): Promise<HttpResponse> => {
  const response = await columns.post(body, headers);
  expect(response).toEqual(await objects.post(body, headers));
  expect(columns.reported.splice(0)).toEqual(objects.reported.splice(0));
  expect(columns.logged.splice(0)).toEqual(objects.logged.splice(0));
  expect(columns.records.lines).toEqual(objects.records.lines);
  if (response.status !== 200) return response;
  const request = response.headers["x-prediction-id"] ?? columns.lastId();
  const { predictions = [] }: { predictions?: unknown[] } =
    typeof response.body === "string" && response.body.startsWith("{") ? JSON.parse(response.body) : {};
  for (const row of new Set([0, 1, predictions.length - 1])) {
    const record = await columns.records.newReader().prediction(`${request}.${row}`);
    expect(record).toEqual(await objects.records.newReader().prediction(`${request}.${row}`));
    if (row < predictions.length) expect(record?.prediction).toEqual(predictions[row]);
  }
  return response;
};

const expectSameLists = async ({ columns, objects }: Both): Promise<void> => {
  for (const label of [undefined, "stay", "churn"]) {
    const query = { limit: 100, ...(label ? { label } : {}) };
    expect(await columns.records.newReader().list(query)).toEqual(
      await objects.records.newReader().list(query),
    );
  }
};

/** How many requests were recorded in columns. */
const countPacked = ({ columns }: Both): number =>
  columns.records.storedItems().filter((item) => item.includes('"numbers":')).length;

const toBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const repeatRows = (count: number): Row[] =>
  Array.from({ length: count }, (_, index) => goldenRows[index % goldenRows.length] ?? {});

test("a journal gets 100 rows in the index itself and 2,500 as a blob without their names in each", async () => {
  const both = createBoth("full", true);
  const { records } = both.columns;
  await expectSame(both, toBytes(JSON.stringify({ rows: repeatRows(100) })));
  // The counters are another one, and what requests have in common.
  expect([records.storedItems().length, records.kept.size]).toEqual([3, 0]);
  expect(records.storedItems().join().length).toBeLessThan(10_000);
  await expectSame(both, toBytes(JSON.stringify({ rows: repeatRows(2_500) })));
  expect([...records.kept.keys()]).toEqual([expect.stringMatching(/\.columns$/)]);
  expect(
    Buffer.concat([...records.kept.values()])
      .toString("latin1")
      .split("tenure"),
  ).toHaveLength(2);
});

describe.each([
  ["by items and counters", false],
  ["by a journal", true],
] as const)("rows in columns that are recorded %s", (_, appends) => {
  test.each([1, 2, 3, 5, 99, 100, 101, 2_500])(
    "%i rows get the same answer, metrics and records as rows that are objects",
    async (count) => {
      const both = createBoth("full", appends);
      const response = await expectSame(both, toBytes(JSON.stringify({ rows: repeatRows(count) })));
      expect([response.status, both.countScans()]).toEqual([200, 1]);
      await expectSameLists(both);
    },
  );

  test.each(["full", "hashed", "none"] as const)("records with inputs: %s are the same", async (inputs) => {
    const both = createBoth(inputs, appends);
    for (const count of [3, 150])
      await expectSame(both, toBytes(JSON.stringify({ rows: repeatRows(count) })));
    expect(both.countScans()).toBe(2);
    await expectSameLists(both);
    if (appends && inputs !== "full")
      expect(both.columns.records.storedItems().join()).not.toMatch(/tenure|Month-to-month/);
    const record = (await both.columns.records.newReader().list({ limit: 1 })).items[0];
    expect([record?.inputs !== undefined, record?.inputsHash !== undefined]).toEqual([
      inputs === "full",
      inputs === "hashed",
    ]);
  });

  test("rows in another order, with missing values, over several lines or with spaces are recorded as they are", async () => {
    const both = createBoth("full", appends);
    const rows = repeatRows(200).map((row, index) => {
      const entries = Object.entries(row).filter(([name]) => index % 3 > 0 || name !== "total_charges");
      return Object.fromEntries(index % 5 === 0 ? entries.toReversed() : entries);
    });
    for (const space of [undefined, 1, "\t"])
      for (const count of [2, 200])
        await expectSame(both, toBytes(JSON.stringify({ rows: rows.slice(0, count) }, undefined, space)));
    const spaced = JSON.stringify({ rows: repeatRows(200) }, undefined, 1).replaceAll(/\n */g, " ");
    await expectSame(both, toBytes(spaced));
    expect(both.countScans()).toBe(7);
    await expectSameLists(both);
  });

  test("rows as CSV are answered from columns as from objects", async () => {
    const both = createBoth("full", appends);
    await expectSame(both, toBytes(JSON.stringify({ rows: repeatRows(3) })), { accept: "text/csv" });
    expect(both.countScans()).toBe(1);
  });

  test("small requests that arrive together get their own predictions", async () => {
    const both = createBoth("full", appends);
    const bodies = Array.from({ length: 30 }, (_, index) =>
      toBytes(JSON.stringify({ rows: goldenRows.slice(index % 16, (index % 16) + 1 + (index % 4)) })),
    );
    const read = (responses: readonly HttpResponse[]) =>
      responses.map(({ body }) => JSON.parse(String(body)).predictions);
    const answers = await Promise.all(bodies.map((body) => both.columns.post(body)));
    const alone: HttpResponse[] = [];
    for (const body of bodies) alone.push(await both.objects.post(body));
    expect(read(answers)).toEqual(read(alone));
    expect(both.countScans()).toBe(30);
  });

  test("a run that fails in columns gets the error of the rows that are objects", async () => {
    const { columns } = model;
    if (!columns) throw new Error("the model has no path through columns");
    const failing = { ...columns, predict: () => Promise.reject(new Error("no columns")) };
    const served = createServed({ ...model, columns: failing }, "full");
    const body = toBytes(JSON.stringify({ rows: repeatRows(2) }));
    expect(await served.post(body)).toEqual(await createBoth("full", appends).objects.post(body));
    expect(served.logged).toEqual([]);
  });

  test("any hostile body gets the same status, problems and pointers, predictions and records", async () => {
    const both = createBoth("full", appends);
    const valid = buildValidRequests(goldenRows.slice(0, 2)).slice(0, 1);
    await fc.assert(
      fc.asyncProperty(hostileRequest(valid), async ({ body }) => void (await expectSame(both, body))),
      { numRuns: 1_500 },
    );
    expect(both.countScans()).toBeGreaterThan(50);
    await expectSameLists(both);
  });

  /** A value as raw JSON: valid for its input, or wrong in a way that clients write. */
  const rawValue = (input: Manifest["inputs"][number]): fc.Arbitrary<string> => {
    const wrong = fc.constantFrom(
      "null",
      '""',
      '"1"',
      "true",
      "-1",
      "-0",
      "1e400",
      "01",
      "[1]",
      "{}",
      "NaN",
      '"\\u004eo"',
      "1e99",
    );
    const number = (text: fc.Arbitrary<string>) =>
      fc.oneof({ arbitrary: text, weight: 40 }, { arbitrary: wrong, weight: 1 });
    switch (input.type) {
      case "integer":
        return number(fc.constantFrom("0", "1", "1.0", "1e0", "10E-1", "0.0"));
      case "number":
        return number(
          fc.oneof(
            fc.constantFrom("18.25", "1.5e1", "99.999999999999999999", "0.1", "7"),
            fc.double({ min: 0, max: 150, noNaN: true }).map((value) => JSON.stringify(value)),
          ),
        );
      case "category":
        return number(fc.constantFrom(...input.values).map((value) => JSON.stringify(value)));
      default:
        throw new Error(`churn has no ${input.type}`);
    }
  };
  const space = fc.constantFrom("", "", "", " ", "\n", "\r\n\t ");
  const rawRow = (inputs: Manifest["inputs"]): fc.Arbitrary<string> =>
    fc
      .tuple(
        fc.tuple(...inputs.map((input) => rawValue(input).map((value) => ({ name: input.name, value })))),
        fc.constantFrom(
          "as it is",
          "as it is",
          "as it is",
          "shuffled",
          "without the last",
          "one more",
          "one twice",
          "escaped",
        ),
        fc.nat(),
        space,
      )
      .map(([cells, change, seed, gap]) => {
        const parts = cells.map(({ name, value }) => `"${name}"${gap}:${gap}${value}`);
        const at = seed % parts.length;
        if (change === "shuffled") parts.unshift(...parts.splice(at));
        if (change === "without the last") parts.pop();
        if (change === "one more") parts.push('"more":1');
        if (change === "one twice") parts.push(parts[at] ?? "");
        if (change === "escaped") parts[at] = (parts[at] ?? "").replace('"', '"\\u0070');
        return `{${gap}${parts.join(`${gap},${gap}`)}${gap}}`;
      });

  test("any rows as any client may write them get the same answer and records", async () => {
    const both = createBoth("full", appends);
    let predicted = 0;
    const body = fc
      .tuple(fc.array(rawRow(buildManifest({}).inputs), { minLength: 1, maxLength: 4 }), space)
      .map(([rows, gap]) => toBytes(`${gap}{"rows"${gap}:${gap}[${rows.join(`${gap},`)}]}${gap}`));
    await fc.assert(
      fc.asyncProperty(body, async (bytes) => {
        if ((await expectSame(both, bytes)).status === 200) predicted++;
      }),
      { numRuns: 1_000 },
    );
    expect(predicted).toBeGreaterThan(100);
    expect(both.countScans()).toBeGreaterThan(100);
    await expectSameLists(both);
  });

  test("any rows with the same names get the same answer and records, in any order of their names", async () => {
    const both = createBoth("full", appends);
    const body = fc
      .tuple(fc.array(fc.constantFrom(...goldenRows), { minLength: 1, maxLength: 12 }), fc.nat())
      .chain(([rows, seed]) =>
        fc
          .array(fc.constantFrom(null, 0.5, 29.85, 1e4, 7, "1.0", "1E2"), {
            minLength: rows.length,
            maxLength: rows.length,
          })
          .map((charges) =>
            rows.map((row, index) => {
              const cells = Object.entries({ ...row, total_charges: charges[index] ?? null });
              cells.unshift(...cells.splice(seed % cells.length));
              // A number as text stands for itself.
              const text = ([name, value]: (typeof cells)[number]) =>
                `"${name}":${name === "total_charges" ? value : JSON.stringify(value)}`;
              return `{${cells.map(text).join()}}`;
            }),
          ),
      )
      .map((rows) => toBytes(`{"rows":[${rows.join()}]}`));
    await fc.assert(
      fc.asyncProperty(body, async (bytes) => {
        expect((await expectSame(both, bytes)).status).toBe(200);
      }),
      { numRuns: 300 },
    );
    expect(both.countScans()).toBe(300);
    expect(countPacked(both) > 100).toBe(appends);
    await expectSameLists(both);
  });
});
