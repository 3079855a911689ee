import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { listIdleLines } from "../scripts/cost/list-idle-lines.ts";
import { writeCost } from "../scripts/cost.ts";
import { listResources, synthStacks } from "../test/infrastructure/synth-stacks.ts";

test("the tables in docs/cost.md match the stacks, the code and the prices: otherwise run `npm run cost`", async () => {
  const text = readFileSync(new URL("../docs/cost.md", import.meta.url), "utf8");
  expect(text).toBe(await writeCost(text));
});

test("what a stack gains, the idle month gains", async () => {
  const written = await synthStacks();
  const amounts = (part: string) => listIdleLines(written).find((line) => line.part === part)?.amounts;
  try {
    const { prod: keys = 0 } = amounts("KMS keys") ?? {};
    const resource = { ...written.stacks.get("serving-prod")?.resource };
    const stacks = new Map(written.stacks);
    stacks.set("serving-prod", {
      ...(written.stacks.get("serving-prod") ?? expect.fail("no stack serving-prod")),
      resource: { ...resource, aws_kms_key: { another: {} }, aws_nat_gateway: { one: {} } },
    });
    const lines = listIdleLines({ ...written, stacks });
    expect(lines.find(({ part }) => part === "KMS keys")?.amounts.prod).toBe(keys + 1);
    expect(lines.find(({ part }) => part === "NAT gateways")?.amounts).toEqual({ prod: 730 });
    expect(amounts("NAT gateways")).toBeUndefined();
  } finally {
    await written.remove();
  }
});

test("only the function of each request has no traces, and logs only calls that fail", async () => {
  const written = await synthStacks();
  const untraced = listResources(written, "aws_lambda_function").flatMap(
    ([, , { function_name, tracing_config, logging_config }]) =>
      JSON.stringify(tracing_config).includes("Active")
        ? []
        : [[function_name, Object(logging_config).system_log_level]],
  );
  await written.remove();
  expect(untraced).toEqual([
    ["slipway-authorize-key", "WARN"],
    ["slipway-authorize-key", "WARN"],
  ]);
});
