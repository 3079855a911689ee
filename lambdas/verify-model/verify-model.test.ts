import { afterEach, beforeEach, expect, test } from "vitest";
import type { Serving } from "#platform/serving/serving.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { buildModelYaml, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { verifyModel } from "./verify-model.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const delivery = "delivery-c";
const gatesWithAccuracy =
  "{ latencyP95Ms: 50, imageSizeMb: 500, accuracy: { min: 0.5, notWorseThanChampionBy: 0.05 }, vulnerabilities: { critical: 0, high: 5 } }";

/** Enough rows for a conclusive comparison with the champion. */
const holdout = `x,label\n${"1,yes\n2,no\n".repeat(200)}`;

/** Commits a challenger and publishes it on stage, as DeployStage leaves it. */
const deployToStage = async (yaml = buildModelYaml(), truth: string | undefined = holdout) => {
  const commit = world.commit("c", yaml);
  if (truth === "") world.commits.get(commit)?.delete("holdout.csv");
  else world.commits.get(commit)?.set("holdout.csv", Buffer.from(truth));
  const grant = await world.claims.take(
    { environment: "stage", model: toyModel, delivery, requestedAt: world.time.now, now: world.time.now },
    "force",
  );
  await world.serving.stage.ensure(toyModel);
  const { version } = await world.serving.stage.publish(toyModel, {
    digest: fakeDigest("c"),
    memoryMb: 512,
    timeoutSeconds: 30,
    variables: { SLIPWAY_MODEL: toyModel },
  });
  return {
    delivery,
    model: toyModel,
    commit,
    fence: grant.status === "granted" ? grant.fence : 0,
    digest: fakeDigest("c"),
    version: 3,
    functionVersion: version,
  };
};

type Changes = {
  readonly sizeBytes?: number | null;
  readonly stage?: Partial<Serving>;
  readonly metrics?: Partial<typeof world.metrics>;
};
const verify = ({ sizeBytes = 1_000, stage = {}, metrics = {} }: Changes = {}) =>
  verifyModel({
    ...world,
    metrics: { ...world.metrics, ...metrics },
    serving: { stage: { ...world.serving.stage, ...stage } },
    images: {
      describe: async () =>
        sizeBytes === null ? undefined : { sizeBytes, pushedAt: world.time.now, tags: [] },
    },
  });
const names = (checks: readonly { readonly name: string }[]) => checks.map(({ name }) => name);

test("a model that meets every gate passes, and the result names the deployment on prod that it was compared with", async () => {
  await promoteVersion(world, "a", 4);
  const result = await verify()(await deployToStage());
  expect(result).toMatchObject({ verdict: "pass", error: null, baseline: 1, approvalTimeoutSeconds: 86_460 });
  expect(names(result.checks)).toEqual([
    "smoke",
    "golden vectors",
    "accuracy vs champion",
    "latency p95",
    "image size",
    "input schema",
  ]);
});

test("without a champion the baseline is 0, and each comparison is omitted with the reason", async () => {
  const result = await verify()(await deployToStage(buildModelYaml({ gates: gatesWithAccuracy })));
  expect(result.baseline).toBe(0);
  expect(names(result.checks)).toContain("accuracy");
  expect(names(result.checks)).not.toContain("accuracy vs champion");
  expect(names(result.omitted).toSorted()).toEqual([
    "accuracy vs champion",
    "canary traffic",
    "input schema",
  ]);
  expect(result.omitted.every(({ why }) => why.length > 0)).toBe(true);
});

test("the champion predicts the same rows from its own version on stage, and prod gets no request", async () => {
  await promoteVersion(world, "a", 1);
  const versions: string[] = [];
  const { invoke } = world.serving.stage;
  const challenger = await deployToStage(buildModelYaml({ gates: gatesWithAccuracy }));
  const champion = (await world.ledger.entries("stage", toyModel, 1))[0]?.functionVersion;
  const result = await verify({
    stage: {
      invoke: async (model, qualifier, payload) => {
        versions.push(qualifier === "live" ? qualifier : qualifier.version);
        return invoke(model, qualifier, payload);
      },
    },
  })(challenger);
  expect(names(result.checks)).toContain("accuracy vs champion");
  expect(new Set(versions)).toEqual(new Set([challenger.functionVersion, champion]));
});

test("both versions are measured side by side: scores, latency and cost, size, schema", async () => {
  await promoteVersion(world, "a", 1);
  const { comparisons } = await verify()(await deployToStage(buildModelYaml({ gates: gatesWithAccuracy })));
  expect(names(comparisons)).toEqual([
    "accuracy",
    "AUC",
    "latency p95",
    "cost per million",
    "image size",
    "breaking changes",
  ]);
  const measured = comparisons.filter(({ name }) => name !== "AUC" && name !== "breaking changes");
  for (const row of measured) {
    expect(row.champion, row.name).not.toBeNull();
    expect(row.challenger, row.name).not.toBeNull();
  }
  expect(comparisons[0]).toMatchObject({ limit: "≥ 0.5, at most 0.05 worse", verdict: "pass" });
});

test("without a champion only the new version is measured", async () => {
  const { comparisons } = await verify()(await deployToStage());
  expect(comparisons.every(({ champion, interval }) => champion === null && interval === null)).toBe(true);
  expect(names(comparisons)).toContain("accuracy");
});

test("a first version without truth passes by golden vectors, latency and size, and the result says what was not measured", async () => {
  const result = await verify()(await deployToStage(buildModelYaml(), ""));
  expect(result.verdict).not.toBe("fail");
  expect(names(result.checks)).toEqual(["smoke", "golden vectors", "latency p95", "image size"]);
  expect(result.omitted).toContainEqual({
    name: "holdout",
    why: "no holdout.csv: no score was measured, only golden vectors, latency, image size and input schema",
  });
});

test("a challenger without truth fails the scores that the champion's manifest has gates for", async () => {
  await promoteVersion(world, "a", 1, buildModelYaml({ gates: gatesWithAccuracy }));
  const result = await verify()(await deployToStage(buildModelYaml(), ""));
  expect(result).toMatchObject({ verdict: "fail", error: { name: "GateFailed" } });
  expect(result.error?.cause).toContain("accuracy: accuracy not measurable: the commit has no holdout.csv");
});

test("a challenger that drops the champion's truth fails the platform's bounds too", async () => {
  await promoteVersion(world, "a", 1);
  const result = await verify()(await deployToStage(buildModelYaml(), ""));
  expect(result.checks.find(({ name }) => name === "accuracy")).toMatchObject({ verdict: "fail" });
});

test("a manifest with gates on scores needs its holdout", async () => {
  const input = await deployToStage(buildModelYaml({ gates: gatesWithAccuracy }), "");
  await expect(verify()(input)).rejects.toMatchObject({ name: "ManifestInvalid" });
});

test("a champion that is no longer on stage leaves the comparison out and fails nothing", async () => {
  await promoteVersion(world, "a", 1);
  const input = await deployToStage(buildModelYaml({ gates: gatesWithAccuracy }));
  const result = await verify({ stage: { version: async () => undefined } })(input);
  expect(result.verdict).toBe("pass");
  expect(result.omitted).toContainEqual({
    name: "accuracy vs champion",
    why: "the champion's version is no longer on stage",
  });
});

test("a model that differs from its golden vectors fails with GoldenVectorsDiffer, even if another gate fails too", async () => {
  const input = await deployToStage();
  world.faulty.set(input.digest, "differs");
  const result = await verify({ sizeBytes: 501e6 })(input);
  expect(result.verdict).toBe("fail");
  expect(result.error?.name).toBe("GoldenVectorsDiffer");
  expect(result.error?.cause).toMatch(/golden vectors: .* image size: /);
});

test("prod's requests to the champion since its promotion are compared with what a canary needs", async () => {
  const champion = await promoteVersion(world, "a", 1);
  const { promotedAt } = champion;
  const request = (at: number, version = champion.functionVersion) =>
    world.metrics.request({
      ...{ environment: "prod", model: toyModel, version, at },
      ...{ latencyMs: 5, failed: false, labels: new Map() },
    });
  for (let index = 0; index < 20; index++) request((promotedAt ?? 0) + index * 60_000);
  request((promotedAt ?? 0) - 1);
  request(promotedAt ?? 0, "99");
  const input = await deployToStage();
  world.time.now = (promotedAt ?? 0) + 2 * 3_600_000;
  const result = await verify()(input);
  expect(result.verdict).toBe("inconclusive");
  expect(result.checks.find(({ name }) => name === "canary traffic")).toMatchObject({
    verdict: "inconclusive",
    detail: expect.stringContaining("prod had 10 requests an hour"),
  });
});

test("prod's metrics that cannot be read leave out the estimate and fail nothing", async () => {
  await promoteVersion(world, "a", 1);
  const input = await deployToStage();
  const metrics = { statistics: () => Promise.reject(new Error("no permission")) };
  const { verdict, omitted } = await verify({ metrics })(input);
  expect(verdict).not.toBe("fail");
  expect(omitted).toContainEqual({ name: "canary traffic", why: "prod's metrics could not be read" });
});

test("a failed gate is a verdict with the name and the detail of each failed check", async () => {
  const result = await verify({ sizeBytes: 501e6 })(await deployToStage());
  const failed = result.checks.filter(({ verdict }) => verdict === "fail");
  expect(names(failed)).toEqual(["image size"]);
  expect(result).toMatchObject({
    verdict: "fail",
    error: { name: "GateFailed", cause: `image size: ${failed[0]?.detail}` },
  });
});

test("a model that refuses its first request fails the smoke check and gets no more requests", async () => {
  let requests = 0;
  const result = await verify({
    stage: {
      invoke: async () => {
        requests++;
        return { payload: { status: 422, title: "Unknown field" }, version: "1", durationMs: 1 };
      },
    },
  })(await deployToStage());
  expect(requests).toBe(1);
  expect(result.verdict).toBe("fail");
  expect(result.checks[0]).toMatchObject({ name: "smoke", verdict: "fail" });
  expect(result.checks[0]?.detail).toContain("422 Unknown field");
  expect(names(result.checks)).toEqual(["smoke", "image size"]);
});

test("the cold start of the first request is part of the latency check", async () => {
  const { invoke } = world.serving.stage;
  let requests = 0;
  const result = await verify({
    stage: {
      invoke: async (model, qualifier, payload) => ({
        ...(await invoke(model, qualifier, payload)),
        ...(requests++ === 0 ? { initMs: 777 } : {}),
      }),
    },
  })(await deployToStage());
  expect(result.checks.find(({ name }) => name === "latency p95")?.detail).toContain("777");
});

test("a function that crashes is an error, not a verdict", async () => {
  const input = await deployToStage();
  world.faulty.set(input.digest, "crashes");
  await expect(verify()(input)).rejects.toMatchObject({ name: "FunctionFailed" });
});

test("an image that is gone is an error, not a verdict", async () => {
  const input = await deployToStage();
  await expect(verify({ sizeBytes: null })(input)).rejects.toMatchObject({ name: "ImageNotFound" });
});

test("a delivery that lost stage during the measurement is superseded, even if its gates pass", async () => {
  const input = await deployToStage();
  const later = { environment: "stage", model: toyModel, delivery: "later" } as const;
  await world.claims.take({ ...later, requestedAt: world.time.now + 1, now: world.time.now }, "newer");
  await expect(verify()(input)).rejects.toMatchObject({ name: "Superseded" });
});
