import { describe, expect, test } from "vitest";
import { parseStatements } from "../test/infrastructure/stack-policies.ts";
import { listResources, type SynthesizedStacks, synthStacks } from "../test/infrastructure/synth-stacks.ts";
import type { Accounts } from "./read-config.ts";

const withStacks = async (
  change: (shipped: Accounts) => Accounts,
  look: (written: SynthesizedStacks) => void,
) => {
  const written = await synthStacks(change);
  try {
    look(written);
  } finally {
    await written.remove();
  }
};

const withTooling =
  (change: (tooling: Accounts["tooling"]) => Partial<Accounts["tooling"]>) =>
  (accounts: Accounts): Accounts => ({
    ...accounts,
    tooling: { ...accounts.tooling, ...change(accounts.tooling) },
  });

const variables = (written: SynthesizedStacks, name: string): Record<string, string> => {
  const found = listResources(written, "aws_lambda_function").find(
    ([, , one]) => one.function_name === `slipway-${name}`,
  )?.[2].environment as { variables: Record<string, string> } | undefined;
  return found?.variables ?? {};
};

const actions = (written: SynthesizedStacks): string =>
  JSON.stringify(
    listResources(written, "aws_iam_role_policy", ["delivery"]).flatMap(([, , one]) =>
      parseStatements(one.policy).flatMap(({ Action }) => Action),
    ),
  );

describe("the registry", () => {
  test("switched off, keeps its data and nothing that costs by the hour", async () => {
    const off = withTooling(({ registry }) =>
      registry.kind === "own" ? { registry: { ...registry, running: false } } : {},
    );
    await withStacks(off, (written) => {
      const types = Object.keys(written.stacks.get("registry")?.resource ?? {});
      expect(types).toEqual(
        expect.arrayContaining(["aws_rds_cluster", "aws_s3_bucket", "aws_apigatewayv2_api"]),
      );
      for (const gone of ["aws_lb", "aws_ecs_service", "aws_ecs_task_definition", "aws_apigatewayv2_route"])
        expect(types).not.toContain(gone);
    });
  });

  test("of somebody else, is called at its address; network and registry are not made, and no function signs for it", async () => {
    const uri = "https://mlflow.example.com";
    const existing = withTooling(() => ({
      registry: { kind: "existing", uri, artifacts: { bucket: "their-models", prefix: "mlflow" } },
    }));
    await withStacks(existing, (written) => {
      expect([...written.stacks.keys()]).not.toContain("registry");
      expect([...written.stacks.keys()]).not.toContain("network");
      expect(variables(written, "register-model")).toMatchObject({ MLFLOW_URI: uri, MLFLOW_AUTH: "none" });
      expect(actions(written)).not.toContain("execute-api:Invoke");
      const granted = JSON.stringify(listResources(written, "aws_iam_role_policy", ["delivery"]));
      expect(granted).toContain("arn:aws:s3:::their-models/mlflow/*");
    });
  });

  test("of one's own, is called through IAM", async () => {
    await withStacks(
      (shipped) => shipped,
      (written) => {
        expect(variables(written, "register-model").MLFLOW_AUTH).toBe("iam");
        expect(actions(written)).toContain("execute-api:Invoke");
      },
    );
  });

  test("with a certificate, speaks TLS inside the network too", async () => {
    const certificate = {
      arn: "arn:aws:acm:us-east-1:111111111111:certificate/1",
      host: "mlflow.example.com",
    };
    const secured = withTooling(({ registry }) =>
      registry.kind === "own" ? { registry: { ...registry, certificate } } : {},
    );
    await withStacks(secured, (written) => {
      expect(listResources(written, "aws_lb_listener")[0]?.[2]).toMatchObject({
        port: 443,
        protocol: "HTTPS",
      });
    });
  });
});

describe("a repository on GitHub", () => {
  test("starts deliveries from its branch's workflow, without a key and without a public route", async () => {
    const gitHub = withTooling(() => ({
      source: { host: "github", repository: "example/models", branch: "main" },
    }));
    await withStacks(gitHub, (written) => {
      const role = listResources(written, "aws_iam_role", ["delivery"]).find(
        ([, , one]) => one.name === "slipway-push",
      );
      expect(JSON.stringify(parseStatements(role?.[2].assume_role_policy))).toContain(
        "repo:example/models:ref:refs/heads/main",
      );
      expect(listResources(written, "aws_codecommit_repository")).toEqual([]);
      expect(actions(written)).not.toContain("codecommit:");
      expect(listResources(written, "aws_ssm_parameter").map(([, , one]) => one.name)).toContain(
        "/slipway/GITHUB_TOKEN",
      );
    });
  });
});

test("without operators nobody outside the machine has a role in an environment", async () => {
  await withStacks(
    withTooling(() => ({ operators: [] })),
    (written) => {
      const roles = listResources(written, "aws_iam_role", ["serving-prod"]).map(([, , one]) => one.name);
      expect(roles).not.toContain("slipway-prod-operator");
    },
  );
});

test("data that is not protected can be cleared away", async () => {
  await withStacks(
    (shipped) => ({
      tooling: { ...shipped.tooling, protectData: false },
      stage: { ...shipped.stage, protectData: false },
      prod: { ...shipped.prod, protectData: false },
    }),
    (written) => {
      for (const [, , bucket] of listResources(written, "aws_s3_bucket"))
        expect(bucket.force_destroy).toBe(true);
      for (const [, , table] of listResources(written, "aws_dynamodb_table"))
        expect(table.deletion_protection_enabled).toBe(false);
      for (const [, , cluster] of listResources(written, "aws_rds_cluster"))
        expect(cluster).toMatchObject({ deletion_protection: false, skip_final_snapshot: true });
    },
  );
});
