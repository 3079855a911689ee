import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { openChurn } from "./bench-model.ts";
import { compareServers, type Scenario } from "./compare-servers.ts";

const kinds = ["slipway serve", "onnxruntime-node on node:http", "onnxruntime-node, an insert each"] as const;

test("servers answer the same rows, are compared first, and each is measured in every round after a warm-up", async () => {
  const { path, remove } = await createTemporaryFolder();
  onTestFinished(remove);
  const model = await openChurn(path);
  const requests = [model.rows.slice(0, 1), model.rows.slice(1, 4)];
  const scenario: Scenario = { what: "few rows", figure: "perSecond", requests, connections: 2, amount: 4 };
  const said: string[] = [];
  const { servers } = await compareServers(model, kinds, [scenario], {
    temporary: path,
    rounds: 2,
    wrap: { server: [], generator: [] },
    say: (sentence) => said.push(sentence),
  });
  expect(servers.map(({ kind, status }) => [kind, status])).toEqual(kinds.map((kind) => [kind, "measured"]));
  for (const server of servers) {
    if (server.status !== "measured") continue;
    expect(server.comparison.largest).toBeLessThan(1e-6);
    expect(server.rounds.get("few rows")).toMatchObject([
      { answered: 4, failed: 0 },
      { answered: 4, failed: 0 },
    ]);
  }
  expect(said).toContain("churn, few rows, round 2 of 2: slipway serve …");
  const records = new DatabaseSync(join(path, "churn-2-records", "records.sqlite"), { readOnly: true });
  // Start, comparison of two requests, and four in the warm-up and each round.
  expect(records.prepare("SELECT count(*) AS count FROM records").get()).toEqual({ count: 1 + 2 + 3 * 4 });
  records.close();
});

test("without the plain server there is nothing to compare with", async () => {
  const { path, remove } = await createTemporaryFolder();
  onTestFinished(remove);
  const model = await openChurn(path);
  const options = { temporary: path, rounds: 1, wrap: { server: [], generator: [] }, say: () => undefined };
  await expect(compareServers(model, [], [], options)).rejects.toThrow("is not selected");
});
