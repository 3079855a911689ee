import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { toFileStream } from "#test/support/to-file-stream.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { rollBack } from "./roll-back.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const subject = { delivery: "delivery-b", model: toyModel, commit: fakeCommit("b") };
const reason = 'The label "yes" moved:\nask Ben first \u2026 50 % <b>';

const register = async () => {
  world.commit("b");
  await world.registry.register({
    model: toyModel,
    delivery: subject.delivery,
    artifact: toFileStream(Buffer.from("onnx")),
    manifest: "",
    metrics: {},
    tags: { delivery: subject.delivery, digest: fakeDigest("b") },
  });
};
const decide = async (verdict: "approved" | "rejected") => {
  const { id } = await world.approvals.ask(
    createNewApproval(world, { delivery: subject.delivery, letter: "b", version: 1 }),
    "token",
  );
  const person = { user: "U024BE7LH", name: "Ada", email: "ada@example.com" };
  await world.approvals.vote(id, {
    ...person,
    verdict,
    reason: verdict === "rejected" ? reason : null,
    at: world.time.now,
  });
};
const run = (changes: Partial<Parameters<typeof rollBack>[0]> = {}) =>
  rollBack({ ...world, ...changes })({ ...subject, error: null });
const readTags = async () => (await world.registry.version(toyModel, 1))?.tags;

test("a rejected version says in the registry who rejected it and why, however often the step runs", async () => {
  await register();
  await decide("rejected");
  await run();
  await run();
  expect(await readTags()).toEqual({
    delivery: subject.delivery,
    digest: fakeDigest("b"),
    rejected_by: "U024BE7LH",
    rejection_reason: reason,
  });
});

test("a version that was approved, or that nobody decided about, gets no tags of a rejection", async () => {
  await register();
  await run();
  await decide("approved");
  await run();
  expect(await readTags()).toEqual({ delivery: subject.delivery, digest: fakeDigest("b") });
});

test("a rejected delivery ends while the registry is down, and says what is missing there", async () => {
  await register();
  await decide("rejected");
  const setTags = async () => {
    throw new Error("connection refused");
  };
  expect(await run({ registry: { ...world.registry, setTags } })).toMatchObject({ committed: false });
  expect(world.warnings).toEqual(["the rejection of toy version 1 is not in the registry"]);
  expect(await world.claims.open()).toEqual([]);
});
