import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { ArtifactRules } from "../platform/artifact-rules/artifact-rules.ts";
import { parseStatements } from "../test/infrastructure/stack-policies.ts";
import { listResources, type SynthesizedStacks, synthStacks } from "../test/infrastructure/synth-stacks.ts";
import type { Accounts } from "./read-config.ts";

const withStacks = async (
  change: (shipped: Accounts) => Accounts,
  check: (synthesized: SynthesizedStacks) => void,
) => {
  const synthesized = await synthStacks(change);
  try {
    check(synthesized);
  } finally {
    await synthesized.remove();
  }
};

const withTooling =
  (change: (tooling: Accounts["tooling"]) => Partial<Accounts["tooling"]>) =>
  (accounts: Accounts): Accounts => ({
    ...accounts,
    tooling: { ...accounts.tooling, ...change(accounts.tooling) },
  });

const variables = (synthesized: SynthesizedStacks, name: string): Record<string, string> => {
  const environment = listResources(synthesized, "aws_lambda_function").find(
    ([, , attributes]) => attributes.function_name === `slipway-${name}`,
  )?.[2].environment as { variables: Record<string, string> } | undefined;
  return environment?.variables ?? {};
};

const actions = (synthesized: SynthesizedStacks): string =>
  JSON.stringify(
    listResources(synthesized, "aws_iam_role_policy", ["delivery"]).flatMap(([, , attributes]) =>
      parseStatements(attributes.policy).flatMap(({ Action }) => Action),
    ),
  );

describe("the registry", () => {
  test("switched off, keeps its data and no resource with hourly costs", async () => {
    const off = withTooling(({ registry }) =>
      registry.kind === "own" ? { registry: { ...registry, running: false } } : {},
    );
    await withStacks(off, (synthesized) => {
      const types = Object.keys(synthesized.stacks.get("registry")?.resource ?? {});
      expect(types).toEqual(
        expect.arrayContaining(["aws_rds_cluster", "aws_s3_bucket", "aws_apigatewayv2_api"]),
      );
      for (const type of ["aws_lb", "aws_ecs_service", "aws_ecs_task_definition", "aws_apigatewayv2_route"])
        expect(types).not.toContain(type);
    });
  });

  test("that already exists is called at its URL without signatures, and there is no network and registry stack", async () => {
    const uri = "https://mlflow.example.com";
    const existing = withTooling(() => ({
      registry: { kind: "existing", uri, artifacts: { bucket: "their-models", prefix: "mlflow" } },
    }));
    await withStacks(existing, (synthesized) => {
      expect([...synthesized.stacks.keys()]).not.toContain("registry");
      expect([...synthesized.stacks.keys()]).not.toContain("network");
      expect(variables(synthesized, "register-model")).toMatchObject({
        MLFLOW_URI: uri,
        MLFLOW_AUTH: "none",
      });
      expect(actions(synthesized)).not.toContain("execute-api:Invoke");
      const policies = JSON.stringify(listResources(synthesized, "aws_iam_role_policy", ["delivery"]));
      expect(policies).toContain("arn:aws:s3:::their-models/mlflow/*");
    });
  });

  test("created by Slipway is called through IAM", async () => {
    await withStacks(
      (shipped) => shipped,
      (synthesized) => {
        expect(variables(synthesized, "register-model").MLFLOW_AUTH).toBe("iam");
        expect(actions(synthesized)).toContain("execute-api:Invoke");
      },
    );
  });

  test("with a certificate uses TLS also inside the network", async () => {
    const certificate = {
      arn: "arn:aws:acm:us-east-1:111111111111:certificate/1",
      host: "mlflow.example.com",
    };
    const secured = withTooling(({ registry }) =>
      registry.kind === "own" ? { registry: { ...registry, certificate } } : {},
    );
    await withStacks(secured, (synthesized) => {
      expect(listResources(synthesized, "aws_lb_listener")[0]?.[2]).toMatchObject({
        port: 443,
        protocol: "HTTPS",
      });
    });
  });
});

describe("a repository on GitHub", () => {
  test("starts deliveries from its branch's workflow, without access keys and without a public route", async () => {
    const gitHub = withTooling(() => ({
      source: { host: "github", repository: "example/models", branch: "main" },
    }));
    await withStacks(gitHub, (synthesized) => {
      const role = listResources(synthesized, "aws_iam_role", ["delivery"]).find(
        ([, , attributes]) => attributes.name === "slipway-push",
      );
      expect(JSON.stringify(parseStatements(role?.[2].assume_role_policy))).toContain(
        "repo:example/models:ref:refs/heads/main",
      );
      expect(listResources(synthesized, "aws_codecommit_repository")).toEqual([]);
      expect(actions(synthesized)).not.toContain("codecommit:");
      expect(
        listResources(synthesized, "aws_ssm_parameter").map(([, , attributes]) => attributes.name),
      ).toContain("/slipway/GITHUB_TOKEN");
    });
  });
});

describe("reports on GitHub", () => {
  const reporting = (reports?: { as: "token" } | { as: "app"; appId: string; installationId: string }) =>
    withTooling(() => ({
      source: { host: "github", repository: "example/models", branch: "main", ...(reports && { reports }) },
    }));
  const read = (synthesized: SynthesizedStacks) => ({
    functions: listResources(synthesized, "aws_lambda_function", ["delivery"]).map(
      ([, , attributes]) => attributes.function_name,
    ),
    secrets: listResources(synthesized, "aws_ssm_parameter").map(([, , attributes]) => attributes.name),
    rules: listResources(synthesized, "aws_cloudwatch_event_rule", ["delivery"]).map(
      ([, , attributes]) => attributes.name,
    ),
    /** Roles that may read the parameter. */
    readers: (secret: string) =>
      listResources(synthesized, "aws_iam_role_policy", ["delivery"])
        .map(([, , attributes]) =>
          JSON.stringify(parseStatements(attributes.policy).filter(({ Effect }) => Effect === "Allow")),
        )
        .filter((policy) => policy.includes(`parameter/slipway/${secret}`)),
  });

  test("are off unless the configuration has them", async () => {
    await withStacks(reporting(), (synthesized) => {
      const { functions, secrets, rules } = read(synthesized);
      expect(functions).not.toContain("slipway-report-source");
      expect(secrets.filter((name) => /GITHUB_(APP|REPORT)/.test(String(name)))).toEqual([]);
      expect(rules).not.toContain("slipway-report-source");
    });
  });

  test.each([
    [{ as: "token" } as const, "GITHUB_REPORT_TOKEN", {}],
    [
      { as: "app", appId: "7", installationId: "8" } as const,
      "GITHUB_APP_KEY",
      { GITHUB_APP_ID: "7", GITHUB_INSTALLATION_ID: "8" },
    ],
  ])("%j have one function that reads one secret", async (reports, secret, expected) => {
    await withStacks(reporting(reports), (synthesized) => {
      const { functions, secrets, rules, readers } = read(synthesized);
      expect(functions).toContain("slipway-report-source");
      expect(secrets.filter((name) => /GITHUB_(APP|REPORT)/.test(String(name)))).toEqual([
        `/slipway/${secret}`,
      ]);
      expect(readers(secret)).toHaveLength(1);
      // It reads facts and keeps notes; it reads no other secret and acts in no environment.
      expect(
        readers(secret)[0]
          ?.match(/(?:dynamodb|sts|s3|states|lambda|events):\w+/g)
          ?.toSorted(),
      ).toEqual(["DeleteItem", "GetItem", "Query", "UpdateItem"].map((name) => `dynamodb:${name}`));
      expect(new Set(readers(secret)[0]?.match(/parameter\/slipway\/\w+/g))).toEqual(
        new Set([`parameter/slipway/${secret}`]),
      );
      expect(rules).toEqual(expect.arrayContaining(["slipway-report-source", "slipway-report-source-again"]));
      expect(variables(synthesized, "report-source")).toMatchObject({ SOURCE_HOST: "github", ...expected });
      // What the doctor reads.
      const [, , outputs] =
        listResources(synthesized, "aws_ssm_parameter").find(
          ([, , attributes]) => attributes.name === "/slipway/outputs",
        ) ?? [];
      expect(String(outputs?.value)).toContain(`"SOURCE_REPORTS":"${reports.as}"`);
      for (const [name, value] of Object.entries(expected))
        expect(String(outputs?.value)).toContain(`"${name}":"${value}"`);
      const [rule] = listResources(synthesized, "aws_cloudwatch_event_rule", ["delivery"]).filter(
        ([, , attributes]) => attributes.name === "slipway-report-source",
      );
      expect(rule?.[2]).toMatchObject({
        event_bus_name: expect.stringContaining("aws_cloudwatch_event_bus"),
      });
    });
  });
});

test("without operators, only functions have roles in an environment", async () => {
  await withStacks(
    withTooling(() => ({ operators: [] })),
    (synthesized) => {
      const roles = listResources(synthesized, "aws_iam_role", ["serving-prod"]).map(
        ([, , attributes]) => attributes.name,
      );
      expect(roles).not.toContain("slipway-prod-operator");
    },
  );
});

test("unprotected data can be deleted", async () => {
  await withStacks(
    (shipped) => ({
      tooling: { ...shipped.tooling, protectData: false },
      stage: { ...shipped.stage, protectData: false },
      prod: { ...shipped.prod, protectData: false },
    }),
    (synthesized) => {
      for (const [, , bucket] of listResources(synthesized, "aws_s3_bucket"))
        expect(bucket.force_destroy).toBe(true);
      for (const [, , table] of listResources(synthesized, "aws_dynamodb_table"))
        expect(table.deletion_protection_enabled).toBe(false);
      for (const [, , cluster] of listResources(synthesized, "aws_rds_cluster"))
        expect(cluster).toMatchObject({ deletion_protection: false, skip_final_snapshot: true });
    },
  );
});

describe("where builds may read artefacts", () => {
  const readBuild = (synthesized: SynthesizedStacks) => {
    const policies = listResources(synthesized, "aws_iam_role_policy", ["delivery"]);
    const statements = policies
      .filter(([, , { name }]) => name === "builds")
      .flatMap(([, , { policy }]) => parseStatements(policy));
    const project = listResources(synthesized, "aws_codebuild_project")[0]?.[2];
    const rules = /\{\\"buckets\\".*?\}/.exec(JSON.stringify(project))?.[0].replaceAll("\\", "");
    return {
      compute: z.object({ compute_type: z.string() }).parse(project?.environment).compute_type,
      buckets: statements.filter(({ Resource }) => JSON.stringify(Resource).includes("arn:aws:s3:::")),
      keys: statements.filter(({ Action }) => JSON.stringify(Action).includes("kms:Decrypt")),
      rules: JSON.parse(rules ?? "null"),
    };
  };
  const check = async (
    artifacts: ArtifactRules | undefined,
    verify: (build: ReturnType<typeof readBuild>) => void,
  ) => {
    const synthesized = await synthStacks((shipped) => shipped, artifacts);
    try {
      verify(readBuild(synthesized));
    } finally {
      await synthesized.remove();
    }
  };

  test("is nowhere but in the repository as shipped", async () => {
    await check(undefined, ({ buckets, keys, rules }) => {
      expect([buckets, keys]).toEqual([[], []]);
      expect(rules).toEqual({ buckets: [], hosts: [], maxBytes: 536_870_912 });
    });
  });

  test.each([
    ["800 MB", 800_000_000, "BUILD_GENERAL1_SMALL"],
    ["2 GB", 2_000_000_000, "BUILD_GENERAL1_MEDIUM"],
  ])("a limit of %s selects a machine whose memory holds the check", async (_, maxBytes, compute) => {
    await check({ buckets: [], hosts: [], maxBytes }, (build) => expect(build.compute).toBe(compute));
  });

  test("is exactly in the buckets of the policy: the build's role may read their objects and nothing else there", async () => {
    const artifacts = {
      buckets: ["team-models", "more-models"],
      hosts: ["models.example.com"],
      maxBytes: 10,
    };
    await check(artifacts, ({ buckets, keys, rules }) => {
      expect(buckets).toMatchObject([
        {
          Effect: "Allow",
          Action: ["s3:GetObject"],
          Resource: ["arn:aws:s3:::team-models/*", "arn:aws:s3:::more-models/*"],
        },
      ]);
      // A bucket of another account has a key of its own.
      expect(keys).toEqual([
        {
          Effect: "Allow",
          Action: ["kms:Decrypt"],
          Resource: ["arn:aws:kms:*:*:key/*"],
          Condition: {
            StringLike: {
              "kms:ViaService": "s3.*.amazonaws.com",
              "kms:EncryptionContext:aws:s3:arn": [
                "arn:aws:s3:::team-models",
                "arn:aws:s3:::team-models/*",
                "arn:aws:s3:::more-models",
                "arn:aws:s3:::more-models/*",
              ],
            },
          },
        },
      ]);
      expect(rules).toEqual(artifacts);
    });
  });
});

test("without a repository for CI there are no roles of CI, and Terraform's roles trust only the operators", async () => {
  await withStacks(
    withTooling(() => ({ ci: undefined })),
    (synthesized) => {
      const roles = listResources(synthesized, "aws_iam_role", ["bootstrap-tooling", "bootstrap-stage"]);
      expect(roles.map(([, , { name }]) => name)).toContain("slipway-terraform");
      expect(JSON.stringify(roles)).not.toContain("slipway-ci-");
    },
  );
});
