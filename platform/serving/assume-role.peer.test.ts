import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRole } from "#test/peers/create-role.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { assumeRole } from "./assume-role.ts";

const { skip } = requirePython("tests of roles in other accounts");
const accounts = { stage: "111122223333", prod: "444455556666" } as const;

describe.skipIf(skip)("roles in other accounts", () => {
  let moto: Moto;
  let sts: STSClient;
  beforeAll(async () => {
    moto = await startMoto();
    sts = new STSClient(motoClientConfig(moto.endpoint));
    for (const [name, account] of Object.entries(accounts))
      await createRole(moto.endpoint, account, name, {
        account: "123456789012",
        externalId: `id of ${name}`,
      });
  });
  afterAll(async () => {
    sts?.destroy();
    await moto?.stop();
  });

  const role = (name: keyof typeof accounts, over: Partial<Parameters<typeof assumeRole>[0]> = {}) =>
    assumeRole({
      sts,
      roleArn: `arn:aws:iam::${accounts[name]}:role/${name}`,
      externalId: `id of ${name}`,
      session: `churn-${"c0ffee".repeat(12)}`,
      clock: Date.now,
      ...over,
    });
  const readCaller = async (credentials: ReturnType<typeof assumeRole>): Promise<string> => {
    const client = new STSClient({ ...motoClientConfig(moto.endpoint), credentials });
    const { Arn } = await client.send(new GetCallerIdentityCommand({}));
    client.destroy();
    return Arn ?? "";
  };

  test("each environment's calls come from its own account, with the execution's name as the session name", async () => {
    expect(await readCaller(role("stage"))).toBe(
      `arn:aws:sts::${accounts.stage}:assumed-role/stage/${`churn-${"c0ffee".repeat(12)}`.slice(0, 64)}`,
    );
    expect(await readCaller(role("prod"))).toContain(accounts.prod);
  });

  test.each([
    ["another environment's external id", { externalId: "id of prod" }],
    ["a role that nobody made", { roleArn: `arn:aws:iam::${accounts.stage}:role/none` }],
  ])("%s is RoleNotAssumed, and the message names the trust policy", async (_, over) => {
    await expect(role("stage", over)()).rejects.toMatchObject({
      name: "RoleNotAssumed",
      message: expect.stringMatching(/trust policy/),
    });
  });

  test("credentials are cached and refreshed shortly before they expire", async () => {
    let now = Date.now();
    let requests = 0;
    const counting = new STSClient(motoClientConfig(moto.endpoint));
    counting.middlewareStack.add((next) => (args) => {
      requests++;
      return next(args);
    });
    const credentials = role("stage", { sts: counting, clock: () => now });
    const [first, second] = await Promise.all([credentials(), credentials()]);
    now += 54 * 60_000;
    const cached = await credentials();
    expect([second, cached]).toEqual([first, first]);
    expect(requests).toBe(1);
    now += 2 * 60_000;
    expect((await credentials()).accessKeyId).not.toBe(first.accessKeyId);
    expect(requests).toBe(2);
    counting.destroy();
  });

  test("a refusal is not cached: the next call tries again", async () => {
    const late = role("stage", { roleArn: `arn:aws:iam::${accounts.stage}:role/late` });
    await expect(late()).rejects.toThrow();
    await createRole(moto.endpoint, accounts.stage, "late", {
      account: "123456789012",
      externalId: "id of stage",
    });
    expect((await late()).sessionToken).not.toBe("");
  });
});
