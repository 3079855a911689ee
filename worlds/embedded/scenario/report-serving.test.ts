import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createMemoryWorld,
  fakeCommit,
  type MemoryWorld,
  promoteVersion,
  toyModel,
} from "#test/support/memory-world.ts";
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
const listen = () => {
  const events: EmbeddedWorldEvent[] = [];
  const sentences: string[] = [];
  const followed: { model: string; url: string; rows: number }[] = [];
  const tell = reportServing({
    world,
    url: "http://127.0.0.1:1",
    reporter: { event: (event) => void events.push(event), say: (sentence) => void sentences.push(sentence) },
    application: {
      follow: (name: string, url: string, rows: readonly unknown[]) =>
        void followed.push({ model: name, url, rows: rows.length }),
    } as SyntheticApplication,
    rowsToAsk: sampleHoldoutRows(world),
  });
  return { tell, events, sentences, followed };
};

test("what is served is told once, and the application asks prod the rows of its holdout", async () => {
  const { tell, events, followed } = listen();
  await tell();
  await tell();
  expect(events).toMatchObject([
    { environment: "stage", model: toyModel, version: 1 },
    { environment: "prod", model: toyModel, version: 1 },
  ]);
  expect(followed).toEqual([{ model: toyModel, url: `http://127.0.0.1:1/prod/models/${toyModel}`, rows: 2 }]);
});

test("a served version whose holdout.csv cannot be read is told all the same, with why nobody calls it", async () => {
  holdout("x,label\n1,nobody\n");
  const { tell, events, sentences, followed } = listen();
  await tell();
  expect(events).toHaveLength(2);
  expect(followed).toEqual([]);
  expect(sentences).toEqual([
    expect.stringMatching(/^The synthetic application does not call toy: holdout\.csv:2/),
  ]);
});

test("a promoted version's holdout.csv is read without newer limits, and a thousand rows of all of it are asked", async () => {
  holdout(`x,label\n${"1,yes\n".repeat(50_000)}${"2,no\n".repeat(50_001)}`);
  const { tell, sentences, followed } = listen();
  await tell();
  expect(sentences).toEqual([]);
  expect(followed).toMatchObject([{ rows: 1_000 }]);
  const asked = await sampleHoldoutRows(world)(toyModel);
  expect(asked.filter(({ x }) => x === 1)).toHaveLength(500);
});
