import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stop } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleHandler } from "#packaging/bundle-handler.ts";
import { zipFunction } from "#packaging/zip-function.ts";
import { listFunctionNames } from "#terraform/deployed-functions.ts";
import { createLambdaHost } from "#test/peers/lambda-host.ts";
import { requireRuntimeClient } from "#test/peers/runtime-client.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

const { skip } = requireRuntimeClient("tests of the functions under AWS's runtime client");

describe.skipIf(skip)("each function's zip under AWS's runtime client", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  const zipOf = (name: string) => join(folder.path, `${name}.zip`);
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    for (const name of listFunctionNames()) {
      const { code, map } = await bundleHandler(name);
      await writeFile(zipOf(name), zipFunction({ "index.mjs": code, "index.mjs.map": map }));
    }
    await stop();
  });
  afterAll(() => folder?.remove());

  const once = async (name: string, env: Record<string, string>, event: unknown) => {
    const host = createLambdaHost({ name, code: zipOf(name), env });
    try {
      return await host.invoke(event);
    } finally {
      await host.stop();
    }
  };
  /** Only its own: what it reads beside them would be missing here as it would be there. */
  const ownVariables = async (name: string) => {
    const { Env } = await import(`../../lambdas/${name}/env.ts`);
    const own = Object.entries(handlerEnvironment).filter(
      ([variable]) => variable.startsWith("AWS_") || variable in Env.shape,
    );
    // Nobody listens there: what looks outside before it reads its event would say so.
    const nowhere = { AWS_ENDPOINT_URL: "http://127.0.0.1:9" };
    return { ...Object.fromEntries(own), ...nowhere, NODE_OPTIONS: "--enable-source-maps" };
  };

  // The sweep has no malformed event: it looks after everything, whatever woke it.
  test.each(listFunctionNames().filter((name) => name !== "sweep-deliveries"))(
    "%s starts, and a malformed event ends by name, at a line of ours",
    async (name) => {
      const { payload, functionError, log } = await once(name, await ownVariables(name), "malformed");
      expect(functionError).toBe("Unhandled");
      const named: Readonly<Record<string, string>> = {
        "authorize-key": "ZodError",
        "start-delivery": "EventNotUnderstood",
      };
      expect(payload).toMatchObject({
        errorType: named[name] ?? "ContractBroken",
        errorMessage: expect.stringContaining("expected"),
      });
      expect(log).toMatch(/(lambdas|domain|worlds\/aws)\/[\w/-]+\.ts:\d+/);
    },
  );

  test("sweep-deliveries starts, and where it reaches nothing, its log says so", async () => {
    const { functionError, log } = await once(
      "sweep-deliveries",
      await ownVariables("sweep-deliveries"),
      "malformed",
    );
    expect(functionError).toBeUndefined();
    expect(log).toContain("TemporaryFault");
  });

  test("a function without its variables answers with a sentence that names them", async () => {
    const { payload, functionError } = await once("claim-environment", { AWS_REGION: "eu-central-1" }, {});
    expect(functionError).toBe("Unhandled");
    expect(payload).toMatchObject({
      errorType: "EnvironmentIncomplete",
      errorMessage: expect.stringMatching(/^This function cannot start: .*DELIVERY_TABLE is not set/),
    });
  });
});
