import fc from "fast-check";
import { expect, test } from "vitest";
import { Env } from "#lambdas/predict/env.ts";
import { readPredictEnv } from "./read-predict-env.ts";

const good = {
  MODEL_DIRECTORY: "/var/task/model",
  SLIPWAY_MODEL: "churn",
  SLIPWAY_MODEL_VERSION: "12",
  SLIPWAY_DIGEST: `sha256:${"a".repeat(64)}`,
  SLIPWAY_ENVIRONMENT: "prod",
  RECORDS_TABLE: "records",
  RECORDS_BUCKET: "bucket",
  RECORDS_HASH_KEY: Buffer.alloc(32, 7).toString("base64"),
  RECORDS_HASH_KEY_PARAMETER: "/slipway/prod/RECORDS_HASH_KEY",
  AWS_LAMBDA_FUNCTION_VERSION: "3",
};
const odd = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom("", " ", "0", "-1", "1.0", "01", "1e3", "0x10", " 12", "Churn", "dev", "sha256:", "a b"),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  fc.uint8Array({ minLength: 32, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString("base64url")),
  fc.string({ maxLength: 10 }),
);

test("any environment is read as its schema reads it, or refused as its schema refuses it", async () => {
  const changes = fc.record(Object.fromEntries(Object.keys(good).map((name) => [name, odd])), {
    requiredKeys: [],
  });
  await fc.assert(
    fc.asyncProperty(changes, async (changed) => {
      const variables: Record<string, string | undefined> = { ...good, ...changed };
      const read = Env.safeParse(variables);
      if (read.success) expect(await readPredictEnv(variables)).toEqual(read.data);
      else await expect(readPredictEnv(variables)).rejects.toThrow("This function cannot start: ");
    }),
    { numRuns: 500 },
  );
});

test("without a folder the model is next to the bundle, as the schema says", async () => {
  const { MODEL_DIRECTORY: _, ...variables } = good;
  const { MODEL_DIRECTORY } = await readPredictEnv(variables);
  expect(MODEL_DIRECTORY).toBe(Env.parse(variables).MODEL_DIRECTORY);
  expect(MODEL_DIRECTORY).toMatch(/\/model$/);
});

test("an error names a wrong variable, and not its value", async () => {
  await expect(
    readPredictEnv({ ...good, SLIPWAY_DIGEST: "secret", RECORDS_HASH_KEY: "hidden" }),
  ).rejects.toThrow(/^(?!.*(secret|hidden)).*SLIPWAY_DIGEST is wrong.*RECORDS_HASH_KEY is wrong/);
});
