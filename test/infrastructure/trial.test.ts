import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assumeRole } from "#platform/serving/assume-role.ts";
import { motoClientConfig } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { requireTerraform } from "#test/peers/terraform.ts";
import { listDirtyStacks } from "./list-dirty-stacks.ts";
import { runInDependencyOrder } from "./run-in-dependency-order.ts";
import { createStackRunner, type StackRunner, unprotectData } from "./stack-runner.ts";
import { trialAccounts } from "./trial-accounts.ts";

const suite = "the stacks of a trial, applied to one account of moto";
const skip = requireTerraform(suite).skip || requirePython(suite).skip;
const timeout = 1_800_000;

/** Each test continues from the state of the previous test. */
describe.skipIf(skip)("a trial: the six stacks in one account", () => {
  let world: StackRunner;
  beforeAll(async () => {
    world = await createStackRunner((shipped) => unprotectData(trialAccounts(shipped)));
  });
  afterAll(() => world?.stop());

  test("all are applied: no name is taken twice", { timeout }, async () => {
    await runInDependencyOrder(world.needs, world.apply);
  });

  test("a second plan of each stack is empty", { timeout }, async () => {
    expect(await listDirtyStacks(world.needs.keys(), world.plan)).toEqual({});
  });

  test("the roles of both environments are assumed in it with their external ids", { timeout }, async () => {
    const { tooling, stage, prod } = world.written.accounts;
    const client = { ...motoClientConfig(world.endpoint), region: tooling.region };
    const sts = new STSClient({ ...client, credentials: world.person });
    for (const [environment, { externalId }] of Object.entries({ stage, prod })) {
      const roleArn = `arn:aws:iam::${tooling.account}:role/slipway-${environment}-deploy-model`;
      const credentials = assumeRole({ sts, roleArn, externalId, session: "trial", clock: Date.now });
      const { Account, Arn } = await new STSClient({ ...client, credentials }).send(
        new GetCallerIdentityCommand({}),
      );
      expect({ Account, Arn }).toEqual({
        Account: tooling.account,
        Arn: expect.stringContaining(`slipway-${environment}-deploy-model`),
      });
    }
  });

  test("are destroyed in reverse order", { timeout }, async () => {
    const reversed = new Map(
      [...world.needs.keys()].map((stack) => [
        stack,
        [...world.needs].flatMap(([name, before]) => (before.includes(stack) ? [name] : [])),
      ]),
    );
    await runInDependencyOrder(reversed, world.destroy);
  });
});
