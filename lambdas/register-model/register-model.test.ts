import { afterEach, beforeEach, expect, test } from "vitest";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import type { Registration, Registry } from "#platform/registry/registry.ts";
import {
  builderOf,
  buildOf,
  commitOf,
  digestOf,
  model,
  modelFiles,
  modelYaml,
  type StepWorld,
  serve,
  sha256,
  stepWorld,
} from "#test/support/step-world.ts";
import { registerModel } from "./register-model.ts";

let world: StepWorld;
beforeEach(() => {
  world = stepWorld();
});
afterEach(() => world.close());

const register = (letter: string, delivery = `delivery-${letter}`) =>
  registerModel(world)({
    delivery,
    model,
    commit: world.commit(letter),
    fence: 1,
    build: buildOf(letter),
    runtime: digestOf("f"),
  });
const challenger = async () => (await world.registry.byAlias(model, "challenger"))?.version;

test("a version says what it was made of, and is the challenger", async () => {
  expect(await register("b")).toEqual({
    status: "registered",
    version: 1,
    digest: digestOf("b"),
    provenance: expect.objectContaining({ builder: builderOf, commit: commitOf("b") }),
  });
  expect(await challenger()).toBe(1);
  expect((await world.registry.version(model, 1))?.tags).toMatchObject({
    delivery: "delivery-b",
    commit: commitOf("b"),
    digest: digestOf("b"),
    runtime: digestOf("f"),
    builder: builderOf,
    owner: "owner@example.com",
    artifact_sha256: sha256(`onnx of ${commitOf("b")}`),
  });
});

test("run twice it registers once", async () => {
  expect(await register("b")).toEqual(await register("b"));
  expect(await world.registry.versions(model, { limit: 9 })).toHaveLength(1);
});

test("the image that prod serves already is unchanged: nothing is registered", async () => {
  await serve(world, "a", 4);
  expect(await register("a", "again")).toMatchObject({
    status: "unchanged",
    version: 4,
    digest: digestOf("a"),
  });
  expect(await world.registry.versions(model, { limit: 9 })).toEqual([]);
});

test("a superseded delivery does not become the challenger", async () => {
  for (const delivery of ["delivery-b", "later"])
    await world.claims.take({ environment: "stage", model, delivery, requestedAt: 1, now: 1 }, "force");
  await expect(register("b")).rejects.toMatchObject({ name: "Superseded" });
  expect(await challenger()).toBeUndefined();
});

test("a folder without its ONNX file is unreadable", async () => {
  const commit = world.commit("b");
  world.commits.get(commit)?.delete("model.onnx");
  const input = { delivery: "d", model, commit, fence: 1, build: buildOf("b"), runtime: digestOf("f") };
  await expect(registerModel(world)(input)).rejects.toMatchObject({ name: "ModelUnreadable" });
});

test("a text model's tokenizer is registered with it, and without the file the folder is unreadable", async () => {
  const commit = world.commit("b");
  const tokenizer = "{ file: words.json, maxTokens: 64 }";
  const files = modelFiles(commit, modelYaml({ inputs: "[{ name: text, type: string }]", tokenizer }));
  const golden = JSON.parse(String(Buffer.from(files.get("golden.json") ?? [])));
  files.set("golden.json", Buffer.from(JSON.stringify({ ...golden, rows: [{ text: "a" }, { text: "b" }] })));
  world.commits.set(commit, files);
  const input = { delivery: "d", model, commit, fence: 1, build: buildOf("b"), runtime: digestOf("f") };
  await expect(registerModel(world)(input)).rejects.toMatchObject({ name: "ModelUnreadable" });

  files.set("words.json", Buffer.from("words"));
  const registered: Registration[] = [];
  const registry: Registry = {
    ...world.registry,
    register: (registration) => {
      registered.push(registration);
      return world.registry.register(registration);
    },
  };
  await registerModel({ ...world, registry })(input);
  expect(registered).toMatchObject([{ tokenizer: Buffer.from("words") }]);
});

test("aliases follow the ledger: champion, the one before, and no challenger left; twice is once", async () => {
  const first = await register("a");
  await serve(world, "a", first.version);
  const second = await register("b");
  const served = await serve(world, "b", second.version);
  await world.ledger.change(served, (current) => ({ ...current, championMoved: false }));
  const subject = { delivery: "delivery-b", model, commit: commitOf("b") };
  expect(await moveChampion(world)(subject)).toEqual({ champion: 2, previous: 1 });
  expect(await moveChampion(world)(subject)).toEqual({ champion: 2, previous: 1 });
  expect((await world.registry.byAlias(model, "champion"))?.version).toBe(2);
  expect((await world.registry.byAlias(model, "previous_champion"))?.version).toBe(1);
  expect(await challenger()).toBeUndefined();
  expect((await world.ledger.serving("prod", model))?.championMoved).toBe(true);
});

test("a promoted version names who approved it, and keeps these names when a rollback comes back to it", async () => {
  const first = await register("a");
  const served = await serve(world, "a", first.version);
  await world.ledger.change(served, (current) => ({ ...current, approvedBy: ["U1", "U2"] }));
  const subject = { delivery: "delivery-a", model, commit: commitOf("a") };
  await moveChampion(world)(subject);
  await world.ledger.change(served, (current) => ({ ...current, approvedBy: [] }));
  await moveChampion(world)(subject);
  expect((await world.registry.version(model, 1))?.tags).toMatchObject({ approved_by: "U1 U2" });
});

test("a promoted image gets a tag of its own, by which it is kept", async () => {
  await serve(world, "a", (await register("a")).version);
  const subject = { delivery: "delivery-a", model, commit: commitOf("a") };
  await moveChampion(world)(subject);
  await moveChampion(world)(subject);
  expect([...world.releases]).toEqual([["release-toy-1-aaaaaaaaaaaa", digestOf("a")]]);
});

test("a promotion whose image could not be tagged is told again by the next run", async () => {
  const served = await serve(world, "a", (await register("a")).version);
  await world.ledger.change(served, (current) => ({ ...current, championMoved: false }));
  const subject = { delivery: "delivery-a", model, commit: commitOf("a") };
  const images = { release: () => Promise.reject(new Error("ECR is away")) };
  await expect(moveChampion({ ...world, images })(subject)).rejects.toThrow("ECR is away");
  expect(await world.ledger.serving("prod", model)).toMatchObject({
    status: "promoted",
    championMoved: false,
  });
  await moveChampion(world)(subject);
  expect((await world.ledger.serving("prod", model))?.championMoved).toBe(true);
  expect(world.releases.size).toBe(1);
});

test("a challenger that is under way keeps its alias", async () => {
  await register("a");
  await serve(world, "a", 1);
  await register("b");
  await moveChampion(world)({ delivery: "delivery-a", model, commit: commitOf("a") });
  expect(await challenger()).toBe(2);
});

test("without a version on prod there is no champion to name", async () => {
  const subject = { delivery: "d", model, commit: world.commit("a") };
  await expect(moveChampion(world)(subject)).rejects.toMatchObject({ name: "ContractBroken" });
});
