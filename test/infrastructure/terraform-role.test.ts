import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Statement } from "#terraform/permissions/statement.ts";
import { startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { type RecordedCall, type RecordingProxy, startRecordingProxy } from "#test/peers/recording-proxy.ts";
import { overrideStack, requireTerraform, runTerraform } from "#test/peers/terraform.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { parseStatements, toArray } from "./stack-policies.ts";
import { listResources, type SynthesizedStacks, synthStacks } from "./synth-stacks.ts";

const suite = "the permissions of Terraform's role";
const skip = requireTerraform(suite).skip || requirePython(suite).skip;

const policy = (action: string) =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: action, Resource: "*" }] });
const trust = (service: string) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: service } }],
  });

/**
 * One resource of each type of IAM that Terraform's role applies, and two later forms of it: every argument that the
 * provider changes in place has another value, then the tags are gone.
 */
const samples: Readonly<Record<string, readonly object[]>> = {
  aws_iam_role: [
    {
      name: "slipway-sample",
      description: "one",
      assume_role_policy: trust("lambda.amazonaws.com"),
      max_session_duration: 3_600,
      tags: { one: "1" },
    },
    {
      name: "slipway-sample",
      description: "two",
      assume_role_policy: trust("states.amazonaws.com"),
      max_session_duration: 7_200,
      tags: { two: "2" },
    },
    { name: "slipway-sample", description: "two", assume_role_policy: trust("states.amazonaws.com") },
  ],
  aws_iam_role_policy: ["s3:GetObject", "s3:PutObject", "s3:PutObject"].map((action) => ({
    name: "calls",
    role: "slipway-sample",
    policy: policy(action),
    depends_on: ["aws_iam_role.sample"],
  })),
  aws_iam_policy: [
    { name: "slipway-sample", policy: policy("s3:GetObject"), tags: { one: "1" } },
    { name: "slipway-sample", policy: policy("s3:PutObject"), tags: { two: "2" } },
    { name: "slipway-sample", policy: policy("s3:PutObject") },
  ],
};

describe.skipIf(skip)("Terraform's role", () => {
  let written: SynthesizedStacks;
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let proxy: RecordingProxy;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let calls: readonly RecordedCall[];
  /** Statements about IAM, besides those of PowerUserAccess, which excludes it. */
  let statements: readonly Statement[];

  const terraform = async (...args: readonly string[]): Promise<void> => {
    const { code, output } = await runTerraform(folder.path, args, {
      seconds: 300,
      env: {
        AWS_ENDPOINT_URL: proxy.endpoint,
        AWS_ACCESS_KEY_ID: "terraform",
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_REGION: "us-east-1",
        AWS_EC2_METADATA_DISABLED: "true",
      },
    });
    if (code !== 0)
      throw new Error(`terraform ${args.join(" ")} ended with ${code}\n${output.slice(-4_000)}`);
  };

  beforeAll(async () => {
    written = await synthStacks();
    const [[, , role] = []] = listResources(written, "aws_iam_role_policy", ["bootstrap-tooling"]).filter(
      ([, , { name }]) => name === "own-roles",
    );
    statements = parseStatements(role?.policy);
    moto = await startMoto();
    proxy = await startRecordingProxy(moto.endpoint);
    folder = await createTemporaryFolder();
    for (const form of [0, 1, 2]) {
      const resource = Object.fromEntries(
        Object.entries(samples).map(([type, forms]) => [type, { sample: forms[form] }]),
      );
      await writeFile(join(folder.path, "cdk.tf.json"), JSON.stringify({ resource }));
      if (form === 0) {
        await overrideStack(folder.path, { state: "local" });
        await terraform("init", "-input=false", "-no-color");
      }
      await terraform("apply", "-auto-approve", "-input=false", "-no-color");
    }
    await terraform("destroy", "-auto-approve", "-input=false", "-no-color");
    calls = proxy.calls.filter(({ service }) => service === "iam");
  }, 900_000);
  afterAll(async () => {
    await proxy?.stop();
    await moto?.stop();
    await folder?.remove();
    await written?.remove();
  });

  test("every type of IAM in the stacks that it applies has a sample", () => {
    const types = [...written.stacks]
      .filter(([stack]) => !stack.startsWith("bootstrap-"))
      .flatMap(([, { resource = {} }]) => Object.keys(resource))
      .filter((type) => type.startsWith("aws_iam_"));
    expect([...new Set(types)].sort()).toEqual(Object.keys(samples).sort());
  });

  test("may make every call of the provider, for resources of Slipway", () => {
    const account = written.accounts.tooling.account;
    const allowed = statements.filter(({ Effect }) => Effect === "Allow");
    const actionsOn = (kind: string) =>
      allowed
        .filter(({ Resource }) =>
          JSON.stringify(Resource).includes(`arn:aws:iam::${account}:${kind}/slipway-*`),
        )
        .flatMap(({ Action }) => toArray(Action));
    const made = new Set(
      calls.map(({ operation, input }) => `${"RoleName" in input ? "role" : "policy"} iam:${operation}`),
    );
    expect(made.size).toBeGreaterThan(15);
    const granted = new Set(
      ["role", "policy"].flatMap((kind) => actionsOn(kind).map((action) => `${kind} ${action}`)),
    );
    expect([...made].filter((call) => !granted.has(call)).sort()).toEqual([]);
    // PassRole is no call: services check it.
    expect([...granted].filter((call) => !made.has(call)).sort()).toEqual(["role iam:PassRole"]);
  });
});
