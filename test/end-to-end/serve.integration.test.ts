import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { PredictResponse } from "#inference/native/predict-response.ts";
import { PredictionPage } from "#inference/records/records.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { repositoryRoot, slipwayPath } from "./fixture.ts";

const run = (args: readonly string[]) =>
  spawn(process.execPath, [slipwayPath, ...args], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "inherit"],
  });

/** Starts `slipway serve models/churn` and waits until it prints its URL. */
const startServe = async (args: readonly string[]) => {
  const child = run(["serve", "models/churn", "--port", "0", ...args]);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/[\d.:]+/.exec(line)?.[0];
    if (url) return { child, url };
  }
  throw new Error("it ended before it listened");
};
const output = async (args: readonly string[]): Promise<string> => {
  const child = run(args);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(child, "close");
  return text;
};

test("a served folder predicts, keeps its records over a restart, requires keys with --keys, and ends on SIGTERM", async () => {
  const folder = await createTemporaryFolder();
  const data = join(folder.path, "data");
  const { rows } = readChurnGolden();
  const predict = (url: string, key?: string) =>
    fetch(`${url}/v1/predict`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key === undefined ? {} : { "x-api-key": key }) },
      body: JSON.stringify({ rows }),
    });
  try {
    const first = await startServe(["--data", data]);
    const prediction = PredictResponse.parse(await (await predict(first.url)).json());
    expect(prediction.predictions).toHaveLength(rows.length);
    expect(prediction.storageWarning).toBeUndefined();
    first.child.kill("SIGTERM");
    expect(await once(first.child, "close")).toEqual([0, null]);

    const created = await output([
      "keys",
      "create",
      "--name",
      "app",
      "--models",
      "churn",
      "--environment",
      "stage",
      "--data",
      data,
    ]);
    const key = /slw_[\w-]+/.exec(created)?.[0] ?? "";
    const second = await startServe(["--data", data, "--keys"]);
    expect((await predict(second.url)).status).toBe(401);
    expect((await predict(second.url, key)).status).toBe(200);
    const page = await fetch(`${second.url}/v1/predictions?limit=100`, { headers: { "x-api-key": key } });
    const { items, total } = PredictionPage.parse(await page.json());
    expect(total).toBe(2 * rows.length);
    expect(items.map(({ id }) => id)).toContain(`${prediction.id}.0`);
    second.child.kill("SIGTERM");
    expect(await once(second.child, "close")).toEqual([0, null]);
  } finally {
    await folder.remove();
  }
});

test("a folder without a model is a usage error", async () => {
  const child = spawn(process.execPath, [slipwayPath, "serve", join("docs")], {
    cwd: repositoryRoot,
    stdio: "ignore",
  });
  expect(await once(child, "close")).toEqual([2, null]);
});
