import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { fakeCommit, toyModel } from "#test/support/toy-model.ts";
import { sampleHoldoutRows } from "#worlds/embedded/engine/sample-holdout-rows.ts";
import type { EmbeddedWorldEvent } from "#worlds/embedded/reporter.ts";
import { reportServing } from "./report-serving.ts";
import type { SyntheticApplication } from "./synthetic-application.ts";

let world: MemoryWorld;
beforeEach(async () => {
  world = createMemoryWorld();
  await promoteVersion(world, "a", 1);
});
afterEach(() => world.close());

const holdout = (text: string) =>
  world.commits.get(fakeCommit("a"))?.set("holdout.csv", new TextEncoder().encode(text));
const setUp = () => {
  const events: EmbeddedWorldEvent[] = [];
  const sentences: string[] = [];
  const calls: { model: string; url: string; rows: number }[] = [];
  const report = reportServing({
    world,
    url: "http://127.0.0.1:1",
    reporter: { event: (event) => void events.push(event), say: (sentence) => void sentences.push(sentence) },
    application: {
      follow: (name: string, url: string, rows: readonly unknown[]) =>
        void calls.push({ model: name, url, rows: rows.length }),
    } as SyntheticApplication,
    rowsToAsk: sampleHoldoutRows(world),
  });
  return { report, events, sentences, calls };
};

test("a served version is reported once, and the application sends prod its holdout rows", async () => {
  const { report, events, calls } = setUp();
  await report();
  await report();
  expect(events).toMatchObject([
    { environment: "stage", model: toyModel, version: 1 },
    { environment: "prod", model: toyModel, version: 1 },
  ]);
  expect(calls).toEqual([{ model: toyModel, url: `http://127.0.0.1:1/prod/models/${toyModel}`, rows: 2 }]);
});

test("a served version with an unreadable holdout.csv is reported, with the reason why no requests are sent", async () => {
  holdout("x,label\n1,nobody\n");
  const { report, events, sentences, calls } = setUp();
  await report();
  expect(events).toHaveLength(2);
  expect(calls).toEqual([]);
  expect(sentences).toEqual([
    expect.stringMatching(/^The synthetic application does not call toy: holdout\.csv:2/),
  ]);
});

test("a promoted version's holdout.csv is read without newer limits, and a thousand of its rows are sampled", async () => {
  holdout(`x,label\n${"1,yes\n".repeat(50_000)}${"2,no\n".repeat(50_001)}`);
  const { report, sentences, calls } = setUp();
  await report();
  expect(sentences).toEqual([]);
  expect(calls).toMatchObject([{ rows: 1_000 }]);
  const rows = await sampleHoldoutRows(world)(toyModel);
  expect(rows.filter(({ x }) => x === 1)).toHaveLength(500);
});
