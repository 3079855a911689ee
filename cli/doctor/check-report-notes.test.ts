import { beforeEach, expect, test } from "vitest";
import { createReportNotes } from "#domain/source-report/report-notes.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { checkReportNotes } from "./check-report-notes.ts";

let world: ReturnType<typeof memoryStore>;
beforeEach(() => {
  world = memoryStore();
});
const notes = () => createReportNotes(world);
const check = (as?: "app" | "token") =>
  checkReportNotes(world, { SOURCE_REPORTS: as, SOURCE_REPOSITORY: "example/models" } as AwsOutputs);
const about = { model: "churn", commit: "c".repeat(40) };

test("without reports there is nothing to check", async () => {
  expect(await check()).toBeUndefined();
});

test("before the first report, whether a token may write is not checked; a report proves it", async () => {
  expect(await check("token")).toEqual({
    status: "pending",
    sentence:
      "Whether the token may create deployments and commit statuses in example/models: not checked, because only the report of a delivery proves it, and there was none yet.",
  });
  await notes().succeed();
  world.time.now += 180_000;
  expect(await check("token")).toEqual({
    status: "ok",
    sentence: "GitHub took the last report of a delivery 3 min ago.",
  });
});

test("what GitHub refused is named with its error, until it is shown", async () => {
  await notes().succeed();
  await notes().add("churn-1", about);
  await notes().add("churn-2", about);
  for (const note of await notes().list())
    await notes().fail(note, new Error("GitHub refused it with 403: a permission is missing"));
  expect(await check("app")).toMatchObject({
    status: "warning",
    sentence: expect.stringMatching(
      /^GitHub does not show 2 deliveries as stored\. The last error, 0 s ago at attempt 1 for churn-1: Error: .* a permission is missing\.$/,
    ),
    remedy: expect.stringContaining("slipway-report-source"),
  });
  for (const note of await notes().list()) await notes().keep(note, "hash");
  expect(await check("app")).toMatchObject({ status: "ok" });
});

test("a rate limit says from when reports go on", async () => {
  await notes().pause(world.time.now + 60_000);
  expect(await check("app")).toMatchObject({
    status: "pending",
    sentence: expect.stringContaining("rate limit"),
  });
  world.time.now += 61_000;
  expect(await check("app")).not.toMatchObject({ sentence: expect.stringContaining("rate limit") });
});
