import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { listStacks } from "#terraform/terraform-invocations.ts";
import { motoClientConfig } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { requireTerraform } from "#test/peers/terraform.ts";
import { listDirtyStacks } from "./list-dirty-stacks.ts";
import { createModelOperations } from "./model-operations.ts";
import { runInDependencyOrder } from "./run-in-dependency-order.ts";
import { createStackRunner, type StackRunner } from "./stack-runner.ts";

const suite = "the stacks, applied to moto";
const skip = requireTerraform(suite).skip || requirePython(suite).skip;
const timeout = 1_800_000;

/** Each test continues from the state of the previous test. */
describe.skipIf(skip)("the eight stacks, in three accounts", () => {
  let world: StackRunner;
  let models: Awaited<ReturnType<typeof createModelOperations>>;
  beforeAll(async () => {
    world = await createStackRunner();
    vi.stubEnv("AWS_ENDPOINT_URL", world.endpoint);
    vi.stubEnv("AWS_REGION", world.written.accounts.tooling.region);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await models?.stop();
    await world?.stop();
  });

  const changes = () => listDirtyStacks(world.needs.keys(), world.plan);

  test("a stack never reads the output of a later stack", () => {
    const order = listStacks(world.written.accounts);
    expect([...world.needs.keys()].sort()).toEqual(order.toSorted());
    for (const [stack, before] of world.needs)
      for (const dependency of before)
        expect([stack, order.indexOf(dependency) < order.indexOf(stack)]).toEqual([stack, true]);
  });

  test("apply in their order, by the invocations of npm run apply", { timeout }, async () => {
    await runInDependencyOrder(world.needs, world.apply);
  });

  test("a second plan of each stack is empty", { timeout }, async () => {
    expect(await changes()).toEqual({});
  });

  test("a plan after deliveries and a retirement is empty: a model's resources belong to the pipeline", {
    timeout,
  }, async () => {
    models = await createModelOperations(world);
    await models.putSecret("SLACK_BOT_TOKEN");
    await models.deliver("churn", "churn-1");
    await models.deliver("churn", "churn-2");
    await models.deliver("spam", "spam-1");
    expect(await models.standing("spam")).toEqual({ served: 2, entries: 2, champion: 1, versions: 1 });
    expect(await models.retire("spam")).toEqual({
      code: 0,
      stdout: "spam was removed from stage and prod.\n",
      stderr: "",
    });
    expect(await models.models()).toEqual({ stage: ["churn"], prod: ["churn"] });
    expect(await models.standing("spam")).toEqual({
      served: 0,
      entries: 2,
      champion: undefined,
      versions: 1,
    });
    expect(await models.standing("churn")).toMatchObject({ served: 2, champion: 2 });
    expect(await changes()).toEqual({});
  });

  test("a plan after the last model of both environments was retired is empty", { timeout }, async () => {
    expect(await models.retire("churn")).toMatchObject({ code: 0, stderr: "" });
    expect(await models.models()).toEqual({ stage: [], prod: [] });
    expect(await changes()).toEqual({});
  });

  test("are destroyed in reverse order, and leave nothing behind", { timeout }, async () => {
    const reversed = new Map([...world.needs.keys()].map((stack) => [stack, dependents(stack)]));
    await runInDependencyOrder(reversed, world.destroy);
    const { region } = world.written.accounts.tooling;
    const lambda = new LambdaClient({
      ...motoClientConfig(world.endpoint),
      region,
      credentials: world.person,
    });
    expect((await lambda.send(new ListFunctionsCommand({}))).Functions).toEqual([]);
  });
  const dependents = (stack: string): readonly string[] =>
    [...world.needs].flatMap(([name, before]) => (before.includes(stack) ? [name] : []));
});
