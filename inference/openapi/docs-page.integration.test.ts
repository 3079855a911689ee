import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import { PredictResponse } from "#inference/native/predict-response.ts";
import type { Service } from "#inference/service.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { type Browser, requireBrowser } from "#test/support/browser.ts";
import { findAccessibilityProblems } from "#test/support/find-accessibility-problems.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { createChurnService } from "#test/support/onnx/churn-service.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { createCodeSamples } from "./code-samples.ts";
import type { OpenapiDocument } from "./openapi-document.ts";
import { readExampleRow } from "./read-example-row.ts";

const run = promisify(execFile);
let service: Service;
let server: Awaited<ReturnType<typeof startHttpServer>>;
beforeAll(async () => {
  const churn = await createChurnService();
  service = { ...churn, readExampleRow: () => readExampleRow("models/churn", churn.model.manifest) };
  server = await startHttpServer(0);
  server.serve(createApp(service));
});
afterAll(async () => {
  await server.close();
  await service.model.release();
});

const readExpected = async (): Promise<unknown> => {
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as OpenapiDocument;
  const { responses } = document.paths["/v1/predict"]?.post ?? {};
  return PredictResponse.parse(responses?.["200"]?.content?.["application/json"]?.example).predictions;
};

test("the page is complete without a script, and names no other host", async () => {
  const page = await (await createAppClient(createApp(service)).request("/docs")).text();
  for (const text of [
    "curl",
    "Python",
    "JavaScript",
    "The response",
    "Two year",
    "rows-invalid",
    "PredictRequest",
  ])
    expect(page).toContain(text);
  expect(page.match(/(?:src|href)="(?!data:|openapi\.json)/g)).toBeNull();
});

test("texts of a manifest and of a row stay texts", async () => {
  const { model } = service;
  const hostile = "</code><script>alert(1)</script>'\"$(id)";
  const client = createAppClient(
    createApp({
      ...service,
      model: { ...model, manifest: { ...model.manifest, description: hostile } },
      readExampleRow: async () => ({ contract: hostile }),
    }),
  );
  const page = await (await client.request("/docs")).text();
  expect(page).not.toContain("<script>alert");
  expect(page).toContain("&lt;script&gt;alert");
});

const { skip, launch } = requireBrowser();
const { skip: skipPython } = requirePython("the samples of the API's page");

describe.skipIf(skip)("in a browser", () => {
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  beforeAll(async () => {
    browser = await launch();
    page = await browser.context.newPage();
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith("data:"))
        problems.push(`another host: ${request.url()}`);
    });
    await page.goto(`${server.url}/docs`);
  });
  afterAll(() => browser[Symbol.asyncDispose]());

  test.skipIf(skipPython)(
    "each sample runs as the page shows it, and prints the expected predictions",
    async () => {
      const read = async (language: string) =>
        (await page.locator(`#sample-${language}`).textContent()) ?? "";
      const expected = await readExpected();
      const [curl, python, javascript] = [await read("curl"), await read("python"), await read("javascript")];
      expect(JSON.parse((await run("bash", ["-c", curl])).stdout).predictions).toEqual(expected);
      const { stdout } = await run(process.env.PYTHON ?? "python3", ["-c", python]);
      expect(JSON.parse(stdout)).toEqual(expected);
      const printed = await run(process.execPath, ["--input-type=module", "--eval", javascript]);
      expect(JSON.parse(printed.stdout)).toEqual(expected);
    },
  );

  test("a refusal shows its status and the problem", async () => {
    const body = page.getByLabel("Body of");
    const valid = await body.inputValue();
    await body.fill('{ "rows": [ {} ] }');
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("Status 422").waitFor();
    expect(await page.locator("#response").textContent()).toContain("urn:slipway:problem:rows-invalid");
    await body.fill(valid);
  });

  test("axe finds nothing in both schemes on a phone and a desktop, with a response, open and closed", async () => {
    await page.getByRole("button", { name: "Send" }).press("Enter");
    await page.getByText("Status 200").waitFor();
    expect(await page.locator("#response").textContent()).toContain('"predictions"');
    for (const width of [390, 1_440])
      for (const colorScheme of ["light", "dark"] as const) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        // Open once in each scheme and at each width: the contrast of every line takes seconds.
        const isOpen = (width === 390) === (colorScheme === "light");
        await page.evaluate(`for (const each of document.querySelectorAll('details')) each.open = ${isOpen}`);
        expect(await findAccessibilityProblems(page), `${width} px, ${colorScheme}`).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(
          0,
        );
      }
  });

  test("no script failed, and no other host was called", () => {
    expect(problems).toEqual([]);
  });
});

test.skipIf(skipPython)(
  "samples carry any text: quotes, line ends, other scripts, JSON's words",
  async () => {
    const row = {
      "it's": "a 'quoted' \"text\"\n$HOME `id` \\ 年齢 \u2028",
      list: [true, null, 1.5],
      none: null,
    };
    const echoed: unknown[] = [];
    await using stack = new AsyncDisposableStack();
    const echo = await startHttpServer(0);
    stack.defer(echo.close);
    echo.serve({
      handle: async (request) => {
        const body = await request.body(1_000_000);
        const { rows } = JSON.parse(Buffer.from(body ?? []).toString("utf8"));
        echoed.push(rows[0]);
        return { status: 200, headers: { "content-type": "application/json" }, body: '{"predictions":[]}' };
      },
    });
    const [curl, python, javascript] = createCodeSamples(echo.url, JSON.parse(JSON.stringify(row)));
    await run("bash", ["-c", curl?.code ?? ""]);
    await run(process.env.PYTHON ?? "python3", ["-c", python?.code ?? ""]);
    await run(process.execPath, ["--input-type=module", "--eval", javascript?.code ?? ""]);
    expect(echoed).toEqual([row, row, row]);
  },
);
