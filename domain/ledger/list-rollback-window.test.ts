import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { listRollbackWindow } from "./list-rollback-window.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const listVersions = async () =>
  (await listRollbackWindow(world.ledger)(toyModel)).map(({ version }) => version);

test("the window has the champion and the versions of two rollbacks in a row, and nothing of a model that prod does not serve", async () => {
  expect(await listVersions()).toEqual([]);
  for (const [index, letter] of ["a", "b", "c", "d"].entries())
    await promoteVersion(world, letter, index + 1);
  expect(await listVersions()).toEqual([4, 3, 2]);
  await world.ledger.retire(toyModel, world.time.now);
  expect(await listVersions()).toEqual([]);
});

test("after a rollback the version that was taken back is outside the window", async () => {
  for (const [index, letter] of ["a", "b", "c"].entries()) await promoteVersion(world, letter, index + 1);
  const [, before] = await listRollbackWindow(world.ledger)(toyModel);
  if (!before) throw new Error("there is a version to roll back to");
  const entry = await world.ledger.begin({ ...before, delivery: "rollback-toy-1" }, world.time.now);
  await world.ledger.change(entry, (current) => ({ ...current, status: "promoted" }));
  expect(await listVersions()).toEqual([2, 1]);
});
