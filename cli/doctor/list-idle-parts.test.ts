import { expect, test } from "vitest";
import { config } from "#terraform/config.ts";
import { checkTrial } from "./check-trial.ts";
import { listIdleParts } from "./list-idle-parts.ts";

const { tooling } = config;

test("the list names what runs while nothing is delivered, and how to switch the registry off", () => {
  const { sentence } = listIdleParts(config);
  expect(sentence).toMatch(/load balancer, MLflow on Fargate .*Aurora.*5 KMS keys/);
  expect(sentence).toContain("`registry.running: false`");
});

test("a registry that is off or elsewhere costs nothing here, and a trial has fewer keys", () => {
  if (tooling.registry.kind !== "own") throw new Error("the shipped configuration has its own registry");
  const off = { ...config, tooling: { ...tooling, registry: { ...tooling.registry, running: false } } };
  expect(listIdleParts(off).sentence).not.toMatch(/load balancer|Fargate/);
  const elsewhere = {
    ...config,
    tooling: { ...tooling, trial: true, registry: { kind: "existing" as const, uri: "https://mlflow" } },
  };
  expect(listIdleParts(elsewhere).sentence).toMatch(/cost money: 3 KMS keys/);
});

test("stage and prod in one account are a trial", () => {
  expect(checkTrial({ stage: "123456789012", prod: "123456789012" })).toMatchObject({
    status: "warning",
    sentence: expect.stringMatching(/^Trial: stage and prod share an account, 123456789012\./),
  });
  expect(checkTrial({ stage: "123456789012", prod: "123456789013" })).toBeUndefined();
});
