import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEvent } from "#domain/events/create-event.ts";
import { toOutboxItems } from "#domain/events/to-outbox-items.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { fakeCommit } from "#test/support/toy-model.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";

const command = fileURLToPath(new URL("../slipway.ts", import.meta.url));
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeAll(async () => {
  folder = await createTemporaryFolder();
});
afterAll(() => folder.remove());

const started = (model: string, at: number) =>
  createEvent([model], at, { type: "started", model, delivery: `${model}-1`, commit: fakeCommit("a") });
/** As a process leaves it that was killed before it published. */
const storeFact = async (model: string, at: number) => {
  const database = openDatabase(resolveDataFolder(folder.path).database);
  const store = createSqliteStore({ database, clock: Date.now });
  await store.put({ partition: "facts", sort: model }, at, {
    expect: "absent",
    ...toOutboxItems(started(model, at)),
  });
  database.close();
};
/** Runs the command in a separate process, like a person. */
const events = async (...args: readonly string[]) => {
  const all = ["--no-warnings", command, "events", ...args, "--data", folder.path];
  return (await promisify(execFile)(process.execPath, all)).stdout;
};

test("events are listed oldest first, also one that was stored and not published, and filtered by model", async () => {
  await storeFact("churn", 1_000);
  await storeFact("spam", 2_000);
  const lines = (await events()).split("\n");
  expect(lines[0]).toMatch(/^at +event +model +what$/);
  expect(lines[1]).toMatch(
    /^1970-01-01T00:00:01\.000Z +Delivery Started +churn +churn-1 delivers commit a{12}\.$/,
  );
  expect(lines[2]).toMatch(/Delivery Started +spam/);
  const [only = "", ...rest] = (await events("--json", "--model", "spam")).trim().split("\n");
  expect(JSON.parse(only)).toEqual(started("spam", 2_000));
  expect(rest).toEqual([]);
  await expect(events("--model", "other")).rejects.toThrow(/there is no model other/);
});
