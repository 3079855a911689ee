import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { Golden } from "#model-folder/manifest/manifest.ts";
import { readArtifact, registryContract } from "#test/contracts/registry.ts";
import { type Mlflow, mlflowStartLimitMs, startMlflow } from "#test/peers/mlflow.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createMlflowModel } from "./mlflow/mlflow-model.ts";
import { createS3Artifacts } from "./mlflow/s3-artifacts.ts";
import { createMlflowRegistry } from "./mlflow.ts";

const { skip } = requirePython("tests of the registry on MLflow");
const churn = join(import.meta.dirname, "..", "..", "models", "churn");

// The suite interrupts a registration at each of its calls: two thousand calls of a Python server.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

/** A fetch whose `count`-th call fails before or after it reaches the server. */
const createFailingFetch = (count: number, when: "before" | "after"): typeof fetch => {
  let calls = 0;
  return async (...args) => {
    calls += 1;
    const fails = calls === count;
    if (fails && when === "before") throw new TypeError("broken off");
    const response = await fetch(...args);
    if (fails) throw new TypeError("broken off");
    return response;
  };
};

const registration = async () => {
  const [artifact, manifest] = await Promise.all([
    readFile(join(churn, "model.onnx")),
    readFile(join(churn, "model.yaml"), "utf8"),
  ]);
  return {
    model: "churn",
    delivery: "delivery-1",
    artifact: new Uint8Array(artifact),
    manifest,
    tags: { commit: "c0ffee", digest: "sha256:1" },
    metrics: { accuracy: 0.8 },
  };
};

const Loaded = z.object({
  onnx: z.array(z.array(z.number())),
  pyfunc: z.array(z.looseObject({ label: z.string(), stay: z.number(), churn: z.number() })),
  columns: z.array(z.string()),
});

/** Asserts that Python's predictions of the champion equal golden.json. */
const expectGolden = async (mlflow: Mlflow) => {
  const golden = Golden.parse(JSON.parse(await readFile(join(churn, "golden.json"), "utf8")));
  const printed = await mlflow.python("mlflow/load_model.py", [
    "models:/churn@champion",
    join(churn, "golden.json"),
  ]);
  const loaded = Loaded.parse(JSON.parse(printed.trim().split("\n").at(-1) ?? ""));
  expect(loaded.columns).toContain("total_charges");
  expect(loaded.onnx).toHaveLength(golden.predictions.length);
  for (const [index, { label, scores }] of golden.predictions.entries()) {
    const { stay = Number.NaN, churn: leaves = Number.NaN } = scores;
    expect(Math.abs((loaded.onnx[index]?.[1] ?? 0) - leaves)).toBeLessThan(golden.tolerance);
    expect(loaded.pyfunc[index]?.label).toBe(label);
    expect(Math.abs((loaded.pyfunc[index]?.stay ?? 0) - stay)).toBeLessThan(golden.tolerance);
    expect(Math.abs((loaded.pyfunc[index]?.churn ?? 0) - leaves)).toBeLessThan(golden.tolerance);
  }
};

describe.skipIf(skip)("MLflow with its artefact proxy", () => {
  let mlflow: Mlflow;
  const registry = (over = {}) =>
    createMlflowRegistry({
      uri: mlflow.uri,
      fetch,
      clock: Date.now,
      createModel: createMlflowModel,
      ...over,
    });
  beforeAll(async () => {
    mlflow = await startMlflow("proxied");
  }, mlflowStartLimitMs);
  afterAll(() => mlflow?.stop());

  let suites = 0;
  registryContract("MLflow", async () => {
    // All tests of the suite share one server, so each gets a prefix for its models.
    suites += 1;
    const prefix = `t${suites}-`;
    const withPrefix = (inner: ReturnType<typeof createMlflowRegistry>) => addPrefix(inner, prefix);
    return {
      registry: withPrefix(registry()),
      failing: (count, when) => withPrefix(registry({ fetch: createFailingFetch(count, when) })),
      close: async () => {},
    };
  });

  test("Python loads the champion as ONNX and as a pyfunc, and both return the golden predictions", async () => {
    const mlflowRegistry = registry();
    const { version } = await mlflowRegistry.register(await registration());
    await mlflowRegistry.setAlias("churn", "champion", version);
    await expectGolden(mlflow);
  });

  test("a repeated registration restores an object that was deleted", async () => {
    const mlflowRegistry = registry();
    const { version } = await mlflowRegistry.register(await registration());
    const { model_version } = z
      .object({ model_version: z.object({ source: z.string() }) })
      .parse(
        await (
          await fetch(`${mlflow.uri}/api/2.0/mlflow/model-versions/get?name=churn&version=${version}`)
        ).json(),
      );
    const path = `${new URL(model_version.source).pathname}/model.onnx`;
    await fetch(`${mlflow.uri}/api/2.0/mlflow-artifacts/artifacts${path}`, { method: "DELETE" });
    expect(await mlflowRegistry.artifact("churn", version)).toBeUndefined();
    await mlflowRegistry.register(await registration());
    expect(await readArtifact(mlflowRegistry, "churn", version)).toEqual(
      Buffer.from((await registration()).artifact),
    );
  });

  test("an unreachable server is a TemporaryFault with its URL", async () => {
    const unreachable = createMlflowRegistry({ uri: "http://127.0.0.1:9", fetch, clock: Date.now });
    await expect(unreachable.version("churn", 1)).rejects.toMatchObject({
      name: "TemporaryFault",
      message: expect.stringContaining("http://127.0.0.1:9"),
    });
  });

  test.each([429, 500, 503])(
    "a response with status %d is a TemporaryFault, and the next attempt succeeds",
    async (status) => {
      let calls = 0;
      const failingFetch: typeof fetch = async (...args) => {
        calls += 1;
        return calls === 1 ? new Response("no", { status }) : fetch(...args);
      };
      const mlflowRegistry = registry({ fetch: failingFetch });
      await expect(mlflowRegistry.byAlias("nobody", "champion")).rejects.toMatchObject({
        name: "TemporaryFault",
      });
      expect(await mlflowRegistry.byAlias("nobody", "champion")).toBeUndefined();
    },
  );
});

describe.skipIf(skip)("MLflow with artefacts in S3", () => {
  let moto: Moto;
  let mlflow: Mlflow;
  let s3: S3Client;
  beforeAll(async () => {
    moto = await startMoto();
    s3 = new S3Client({ ...motoClientConfig(moto.endpoint), forcePathStyle: true });
    await s3.send(
      new CreateBucketCommand({
        Bucket: "models",
        CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
      }),
    );
    mlflow = await startMlflow("s3://models/mlflow", {
      MLFLOW_S3_ENDPOINT_URL: moto.endpoint,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_DEFAULT_REGION: "eu-central-1",
    });
  }, mlflowStartLimitMs);
  afterAll(async () => {
    await mlflow?.stop();
    s3?.destroy();
    await moto?.stop();
  });

  test("artefacts are written directly to the bucket, MLmodel last, and Python loads them from there", async () => {
    const mlflowRegistry = createMlflowRegistry({
      uri: mlflow.uri,
      fetch,
      clock: Date.now,
      s3: createS3Artifacts(s3),
      createModel: createMlflowModel,
    });
    const puts: string[] = [];
    s3.middlewareStack.add((next, context) => (args) => {
      if (context.commandName === "PutObjectCommand") puts.push(JSON.stringify(args.input));
      return next(args);
    });
    const { version } = await mlflowRegistry.register(await registration());
    await mlflowRegistry.setAlias("churn", "champion", version);

    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: "models" }));
    expect(Contents?.map(({ Key }) => Key?.replace(/.*\/artifacts\//, ""))).toContain("model/MLmodel");
    expect(puts.at(-1)).toContain("/model/MLmodel");
    expect(await readArtifact(mlflowRegistry, "churn", version)).toEqual(
      Buffer.from((await registration()).artifact),
    );
    await expectGolden(mlflow);
  });
});

/** The registry with a prefix before each model's name. */
const addPrefix = (
  inner: ReturnType<typeof createMlflowRegistry>,
  prefix: string,
): ReturnType<typeof createMlflowRegistry> => {
  const removePrefix = <T extends { model: string } | undefined>(version: T): T =>
    version && { ...version, model: version.model.slice(prefix.length) };
  return {
    register: async (input) => removePrefix(await inner.register({ ...input, model: prefix + input.model })),
    version: async (model, version) => removePrefix(await inner.version(prefix + model, version)),
    byAlias: async (model, alias) => removePrefix(await inner.byAlias(prefix + model, alias)),
    artifact: (model, version) => inner.artifact(prefix + model, version),
    setAlias: (model, alias, version) => inner.setAlias(prefix + model, alias, version),
    setTags: (model, version, tags) => inner.setTags(prefix + model, version, tags),
    versions: async (model, options) => (await inner.versions(prefix + model, options)).map(removePrefix),
  };
};
