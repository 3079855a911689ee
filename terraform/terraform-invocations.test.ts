import { describe, expect, test } from "vitest";
import { config } from "./config.ts";
import {
  type CommandOptions,
  listStacks,
  listTerraformInvocations,
  NotAsked,
  selectStacks,
} from "./terraform-invocations.ts";

const defaultOptions: CommandOptions = {
  stacks: [],
  yes: false,
  fromStates: false,
  first: false,
  stateProfile: undefined,
};
const stackNames = listStacks(config);
const formatInvocations = (verb: "plan" | "apply", stack: string, options: Partial<CommandOptions>) =>
  listTerraformInvocations(verb, stack, { ...defaultOptions, ...options }).map(({ args }) => args.join(" "));

test("without names, every stack that a role applies comes in the order of their outputs, and none that a person applies", () => {
  expect(selectStacks(stackNames, defaultOptions)).toEqual([
    "network",
    "registry",
    "serving-stage",
    "serving-prod",
    "delivery",
  ]);
});

test("named stacks come in that order too, whatever the order of their names", () => {
  const stacks = ["delivery", "bootstrap-tooling", "network"];
  expect(selectStacks(stackNames, { ...defaultOptions, stacks })).toEqual([
    "bootstrap-tooling",
    "network",
    "delivery",
  ]);
});

test("with somebody else's MLflow there is no network and no registry", () => {
  const registry = { kind: "existing" as const, uri: "https://mlflow.example.com" };
  expect(listStacks({ ...config, tooling: { ...config.tooling, registry } })).not.toContain("registry");
});

describe("what cannot be meant is refused in a sentence:", () => {
  test("a stack that is not there", () => {
    expect(() => selectStacks(stackNames, { ...defaultOptions, stacks: ["servingprod"] })).toThrow(
      /There is no stack servingprod; there are bootstrap-tooling,/,
    );
  });
  test("--first for anything but the bucket's own stack", () => {
    expect(() => selectStacks(stackNames, { ...defaultOptions, first: true })).toThrow(NotAsked);
    expect(() => selectStacks(stackNames, { ...defaultOptions, first: true, stacks: ["delivery"] })).toThrow(
      /bootstrap-tooling alone/,
    );
  });
});

test("the first apply keeps its state beside it, and moves it into the bucket that it made", () => {
  const first = listTerraformInvocations("apply", "bootstrap-tooling", {
    ...defaultOptions,
    first: true,
    stacks: ["bootstrap-tooling"],
  });
  expect(first.map(({ localState }) => localState)).toEqual([true, true, false]);
  expect(first.at(-1)?.args).toEqual(expect.arrayContaining(["init", "-migrate-state"]));
});

test("a pull request's plan neither locks nor refreshes, and acts as the role that may do nothing", () => {
  expect(formatInvocations("plan", "delivery", { fromStates: true }).at(-1)).toBe(
    "plan -input=false -no-color -lock=false -refresh=false -var=role=slipway-terraform-plan",
  );
});

test("an apply asks, unless it was approved before", () => {
  expect(formatInvocations("apply", "delivery", {}).at(-1)).not.toContain("auto-approve");
  expect(formatInvocations("apply", "delivery", { yes: true }).at(-1)).toContain("-auto-approve");
});

test("another account's person reaches the states by a profile of their own", () => {
  expect(formatInvocations("apply", "bootstrap-stage", { stateProfile: "tooling" })[0]).toContain(
    "-backend-config=profile=tooling",
  );
});
