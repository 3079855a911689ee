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
  const zipPath = (name: string) => join(folder.path, `${name}.zip`);
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    for (const name of listFunctionNames()) {
      const { code, map, files } = await bundleHandler(name);
      await writeFile(zipPath(name), zipFunction({ "index.mjs": code, "index.mjs.map": map, ...files }));
    }
    await stop();
  });
  afterAll(() => folder?.remove());

  const once = async (name: string, env: Record<string, string>, event: unknown) => {
    const host = createLambdaHost({ name, code: zipPath(name), env });
    try {
      return await host.invoke(event);
    } finally {
      await host.stop();
    }
  };
  /** Only its own variables: one that Env lacks is missing here as it is on Lambda. */
  const ownVariables = async (name: string) => {
    const { Env } = await import(`../../lambdas/${name}/env.ts`);
    const own = Object.entries(handlerEnvironment).filter(
      ([variable]) => variable.startsWith("AWS_") || variable in Env.shape,
    );
    // Nothing listens there: a call before the event is read would fail with another error.
    const nowhere = { AWS_ENDPOINT_URL: "http://127.0.0.1:9" };
    return { ...Object.fromEntries(own), ...nowhere, NODE_OPTIONS: "--enable-source-maps" };
  };

  // These have no malformed event, because they do not read their event.
  const withoutEvent = ["publish-events", "sweep-deliveries"];
  test.each(listFunctionNames().filter((name) => !withoutEvent.includes(name)))(
    "%s starts, and a malformed event fails with a named error, at a line of our code",
    async (name) => {
      const { payload, functionError, log } = await once(name, await ownVariables(name), "malformed");
      expect(functionError).toBe("Unhandled");
      const errorNames: Readonly<Record<string, string>> = {
        "authorize-key": "ZodError",
        "start-delivery": "EventNotUnderstood",
      };
      expect(payload).toMatchObject({
        errorType: errorNames[name] ?? "ContractBroken",
        errorMessage: expect.stringContaining("expected"),
      });
      expect(log).toMatch(/(lambdas|domain|worlds\/aws)\/[\w/-]+\.ts:\d+/);
    },
  );

  test.each(withoutEvent)("%s starts, and its log says that it reaches nothing", async (name) => {
    const { functionError, log } = await once(name, await ownVariables(name), "malformed");
    expect(functionError).toBeUndefined();
    expect(log).toContain("TemporaryFault");
  });

  test("a function without its variables fails with a message that names them", async () => {
    const { payload, functionError } = await once("claim-environment", { AWS_REGION: "eu-central-1" }, {});
    expect(functionError).toBe("Unhandled");
    expect(payload).toMatchObject({
      errorType: "EnvironmentIncomplete",
      errorMessage: expect.stringMatching(/^This function cannot start: .*DELIVERY_TABLE is not set/),
    });
  });
});
