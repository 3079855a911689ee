import { config } from "#terraform/config.ts";
import type { Accounts } from "#terraform/read-config.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

/** A configuration that is filled in, for these accounts in moto's region. */
export const createDoctorConfig = (
  accounts: Readonly<Record<"tooling" | "stage" | "prod", string>>,
): Accounts => {
  const region = "eu-central-1";
  const { tooling, stage, prod } = config;
  if (tooling.registry.kind !== "own") throw new Error("the shipped configuration has its own registry");
  return {
    tooling: {
      ...tooling,
      region,
      account: accounts.tooling,
      trial: accounts.tooling === accounts.prod,
      images: {
        ...tooling.images,
        baseImage: `public.ecr.aws/lambda/nodejs:24@${digest("a")}`,
        buildImage: `public.ecr.aws/codebuild/amazonlinux-aarch64-standard@${digest("b")}`,
        firstDigest: digest("c"),
      },
      registry: { ...tooling.registry, zones: ["eu-central-1a", "eu-central-1b"] },
    },
    stage: { ...stage, region, account: accounts.stage },
    prod: { ...prod, region, account: accounts.prod },
  };
};

/** Registries that have every image, and Service Quotas, which moto does not play for CodeBuild. */
export const fetchWithPublicServices =
  (fetch: typeof globalThis.fetch): typeof globalThis.fetch =>
  async (input, init) => {
    const { hostname } = new URL(String(input));
    if (hostname === "public.ecr.aws" || hostname === "ghcr.io") return new Response(null, { status: 200 });
    const target = new Headers(init?.headers).get("x-amz-target") ?? "";
    if (target.startsWith("ServiceQuotasV20190624.")) return Response.json({ Quota: { Value: 20 } });
    return fetch(input, init);
  };
