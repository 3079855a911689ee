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

test("without names, all stacks except bootstrap are selected, in the order of their dependencies", () => {
  expect(selectStacks(stackNames, defaultOptions)).toEqual([
    "network",
    "registry",
    "serving-stage",
    "serving-prod",
    "delivery",
  ]);
});

test("named stacks are sorted by their dependencies, too", () => {
  const stacks = ["delivery", "bootstrap-tooling", "network"];
  expect(selectStacks(stackNames, { ...defaultOptions, stacks })).toEqual([
    "bootstrap-tooling",
    "network",
    "delivery",
  ]);
});

test("with an existing MLflow there is no network and no registry stack", () => {
  const registry = { kind: "existing" as const, uri: "https://mlflow.example.com" };
  expect(listStacks({ ...config, tooling: { ...config.tooling, registry } })).not.toContain("registry");
});

describe("the error explains", () => {
  test("an unknown stack", () => {
    expect(() => selectStacks(stackNames, { ...defaultOptions, stacks: ["servingprod"] })).toThrow(
      /Unknown stack servingprod: use bootstrap-tooling,/,
    );
  });
  test("--first for another stack than bootstrap-tooling", () => {
    expect(() => selectStacks(stackNames, { ...defaultOptions, first: true })).toThrow(NotAsked);
    expect(() => selectStacks(stackNames, { ...defaultOptions, first: true, stacks: ["delivery"] })).toThrow(
      /only for bootstrap-tooling/,
    );
  });
});

test("the first apply starts with a local state and moves it into the new bucket", () => {
  const first = listTerraformInvocations("apply", "bootstrap-tooling", {
    ...defaultOptions,
    first: true,
    stacks: ["bootstrap-tooling"],
  });
  expect(first.map(({ localState }) => localState)).toEqual([true, true, false]);
  expect(first.at(-1)?.args).toEqual(expect.arrayContaining(["init", "-migrate-state"]));
});

test("a pull request's plan neither locks nor refreshes, and uses the role without permissions", () => {
  expect(formatInvocations("plan", "delivery", { fromStates: true }).at(-1)).toBe(
    "plan -input=false -no-color -lock=false -refresh=false -var=role=slipway-terraform-plan",
  );
});

test("an apply prompts unless it was approved before", () => {
  expect(formatInvocations("apply", "delivery", {}).at(-1)).not.toContain("auto-approve");
  expect(formatInvocations("apply", "delivery", { yes: true }).at(-1)).toContain("-auto-approve");
});

test("a bootstrap in another account can use a separate profile for the states", () => {
  expect(formatInvocations("apply", "bootstrap-stage", { stateProfile: "tooling" })[0]).toContain(
    "-backend-config=profile=tooling",
  );
});
