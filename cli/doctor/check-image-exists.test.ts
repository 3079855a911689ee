import { expect, test } from "vitest";
import { checkImageExists } from "./check-image-exists.ts";

const digest = `sha256:${"a".repeat(64)}`;
const image = `public.ecr.aws/lambda/nodejs:24@${digest}`;
const setting = { setting: "images.baseImage", image, remedy: "Find the digest." };

/** A registry that asks for an anonymous token first, as ECR Public and ghcr.io do. */
const registry = ({ realm = "https://public.ecr.aws/token/", status = 200 } = {}) => {
  const calls: string[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = String(input);
    const authorization = new Headers(init?.headers).get("authorization");
    calls.push(`${init?.method ?? "GET"} ${url}`);
    if (url.includes("/token")) return Response.json({ token: "anonymous" });
    if (authorization === "Bearer anonymous") return new Response(null, { status });
    const challenge = `Bearer realm="${realm}",service="public.ecr.aws",scope="aws"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
  return { fetch, calls };
};

test("an image is looked up by its digest, with the anonymous token that the registry offers", async () => {
  const { fetch, calls } = registry();
  expect(await checkImageExists({ fetch }, setting)).toMatchObject({ status: "ok" });
  expect(calls).toEqual([
    `HEAD https://public.ecr.aws/v2/lambda/nodejs/manifests/${digest}`,
    "GET https://public.ecr.aws/token/?service=public.ecr.aws&scope=aws",
    `HEAD https://public.ecr.aws/v2/lambda/nodejs/manifests/${digest}`,
  ]);
});

test("a digest that the registry does not have is missing", async () => {
  expect(await checkImageExists(registry({ status: 404 }), setting)).toEqual({
    status: "missing",
    sentence: `public.ecr.aws has no ${image} (images.baseImage).`,
    remedy: "Find the digest.",
  });
});

test("an image without a digest is looked up by its tag", async () => {
  const { fetch, calls } = registry({ realm: "https://ghcr.io/token" });
  const tagged = "ghcr.io/mlflow/mlflow:v3.17.0-full";
  await checkImageExists({ fetch }, { ...setting, image: tagged });
  expect(calls[0]).toBe("HEAD https://ghcr.io/v2/mlflow/mlflow/manifests/v3.17.0-full");
});

test("a token is fetched only from the registry's own domain", async () => {
  const { fetch, calls } = registry({ realm: "https://attacker.example/token" });
  expect(await checkImageExists({ fetch }, setting)).toMatchObject({
    status: "warning",
    sentence: expect.stringContaining("it returned status 401"),
  });
  expect(calls).toHaveLength(1);
});

test("a registry out of reach is a warning, with the command to look oneself", async () => {
  const fetch = async () => {
    throw new TypeError("fetch failed");
  };
  expect(await checkImageExists({ fetch }, setting)).toEqual({
    status: "warning",
    sentence: expect.stringContaining("this machine does not reach it"),
    remedy: `Check it yourself: crane digest ${image}`,
  });
});
