import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { fakeCommit, fakeDigest } from "#test/support/toy-model.ts";
import { createDeliveryName } from "./delivery-name.ts";
import { startDelivery } from "./start-delivery.ts";

let world: MemoryWorld;
let paths: string[];
beforeEach(() => {
  world = createMemoryWorld();
  paths = [];
});
afterEach(() => world.close());

const modelNames = ["churn", "fraud", "toy"];
const start = (changes: Record<string, unknown> = {}, runtimeOf: "code" | "platform" = "code") =>
  startDelivery({
    ...world,
    runtimeOf,
    source: { ...world.source, changedPaths: async () => paths, models: async () => modelNames },
  })({
    repository: "shop",
    before: fakeCommit("a"),
    after: fakeCommit("b"),
    pusher: "pat@example.com",
    runtime: fakeDigest("f"),
    ...changes,
  });
const names = async (changes = {}) => (await start(changes)).deliveries.map(({ model }) => model);

test("each model whose folder was touched is delivered once, with all that its execution needs", async () => {
  paths = ["models/churn/model.onnx", "models/churn/model.yaml", "models/toy/golden.json", "README.md"];
  const { deliveries, removed } = await start();
  expect(deliveries.map(({ model, started }) => [model, started])).toEqual([
    ["churn", true],
    ["toy", true],
  ]);
  expect(removed).toEqual([]);
  expect(world.engine.executions.get(deliveries[0]?.name ?? "")?.input).toEqual({
    delivery: deliveries[0]?.name,
    model: "churn",
    commit: fakeCommit("b"),
    runtime: fakeDigest("f"),
    pusher: "pat@example.com",
    author: { name: "Sam", email: "sam@example.com" },
    requestedAt: world.time.now,
    error: null,
  });
});

test("the same push again starts nothing, and says so", async () => {
  paths = ["models/churn/model.onnx"];
  await start();
  expect((await start()).deliveries).toMatchObject([{ model: "churn", started: false }]);
  expect(world.engine.executions.size).toBe(1);
});

test("a push that touches no model starts no delivery", async () => {
  paths = ["README.md", "models/README.md", "models/Not A Model/x", "docs/models/churn/x"];
  expect(await start()).toEqual({ deliveries: [], removed: [] });
});

test.each(["inference/app.ts", "lambdas/predict/handler.ts", "package-lock.json"])(
  "a change of %s affects every model",
  async (path) => {
    paths = [path];
    expect(await names()).toEqual(modelNames);
  },
);

test.each(["inference/app.ts", "lambdas/predict/handler.ts", "package-lock.json"])(
  "if the platform applied the runtime, a push of %s affects no model: a later apply and slipway deliver --all bring it",
  async (path) => {
    paths = [path, "models/toy/model.yaml"];
    const started = await start({}, "platform");
    expect(started.deliveries.map(({ model }) => model)).toEqual(["toy"]);
  },
);

test.each(["seed/inference/x.ts", "lambdas/predictor/x.ts", "docs/package-lock.json", "inference.md"])(
  "a change of %s affects no model",
  async (path) => {
    paths = [path];
    expect(await names()).toEqual([]);
  },
);

test("a model whose folder the push removed is listed and not delivered", async () => {
  paths = ["models/gone/model.yaml", "models/toy/model.yaml"];
  expect(await start()).toMatchObject({ deliveries: [{ model: "toy" }], removed: ["gone"] });
});

test("a person's request is a new attempt each time, once for each model, even without a change", async () => {
  const request = { models: ["churn", "churn"] };
  const attempts = [await start(request), await start(request)].flatMap(({ deliveries }) => deliveries);
  const first = createDeliveryName({
    repository: "shop",
    model: "churn",
    commit: fakeCommit("b"),
    attempt: 1,
  });
  expect(attempts.map(({ name }) => name)).toEqual([first, `${first}-2`]);
});

test("a re-run of a push is a separate attempt, and starts only once", async () => {
  paths = ["models/churn/model.onnx"];
  await start();
  const again = async () => (await start({ attempt: 2 })).deliveries;
  const [first] = await again();
  expect(first?.name).toMatch(/-2$/);
  expect(first?.started).toBe(true);
  expect(await again()).toMatchObject([{ name: first?.name, started: false }]);
});

test.each([
  ["a value that is not an object", null],
  ["an event of another service", { source: "aws.s3", detail: {} }],
  ["an invalid commit", { after: "main" }],
])("%s fails with a message that says what to send", async (_, event) => {
  await expect(startDelivery(world)(event)).rejects.toMatchObject({
    name: "EventNotUnderstood",
    message: expect.stringMatching(/starts no delivery: .*slipway deliver <model>/s),
  });
});

test("a name differs by repository, commit, model and attempt, and fits Step Functions", () => {
  const base = { repository: "shop", model: "m".repeat(40), commit: fakeCommit("b"), attempt: 999_999 };
  const changes = [
    { repository: "else" },
    { model: "n".repeat(40) },
    { commit: fakeCommit("c") },
    { attempt: 2 },
  ];
  const all = [base, ...changes.map((change) => ({ ...base, ...change }))].map(createDeliveryName);
  expect(new Set(all).size).toBe(all.length);
  for (const name of all) expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
});

test("a person who runs a push again has started that delivery, and the pusher of the push stays the same", async () => {
  paths = ["models/churn/model.onnx"];
  const { deliveries } = await start({ attempt: 2, startedBy: "github:eve" });
  const [{ name = "" } = {}] = deliveries;
  expect(world.engine.executions.get(name)?.input).toMatchObject({ pusher: "github:eve" });
  expect(await world.pushes.since(undefined)).toMatchObject([{ by: "pat@example.com" }]);
  expect(await world.pushes.isByHand({ delivery: name, by: "github:eve" })).toBe(true);
  expect(await world.pushes.isByHand({ delivery: name, by: "pat@example.com" })).toBe(false);

  const [first] = (await start()).deliveries;
  expect(await world.pushes.isByHand({ delivery: first?.name ?? "", by: "pat@example.com" })).toBe(false);
});
