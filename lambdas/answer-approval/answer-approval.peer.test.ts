import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stop } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundleHandler } from "#packaging/bundle-handler.ts";
import { type AnswerApprovalWorld, startAnswerApprovalWorld } from "#test/peers/answer-approval-world.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { runBundle } from "#test/support/run-bundle.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

const { skip } = requirePython("tests of answer-approval's bundle on moto");

/** Slack waits three seconds, so each call before the acknowledgement counts; bench/answer.ts measures their time. */
describe.skipIf(skip)("answer-approval's bundle, before it acknowledges", () => {
  let world: AnswerApprovalWorld;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let bundle: string;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    bundle = join(folder.path, "index.mjs");
    await writeFile(bundle, (await bundleHandler("answer-approval")).code);
    await stop();
    world = await startAnswerApprovalWorld();
  });
  afterAll(async () => {
    await world?.stop();
    await folder?.remove();
  });
  beforeEach(() => {
    world.slackCalls.length = 0;
  });

  /** The calls of a new process for one event. */
  const answer = async (event: object) => {
    const from = world.recorder.calls.length;
    const { answers, error } = await runBundle(bundle, world.variables, [event]);
    expect(error).toBe("");
    const calls = world.recorder.calls.slice(from);
    return { response: answers[0], operations: calls.map(({ operation }) => operation), calls };
  };
  /** Both at once, so they cost the time of one. */
  const secretReads = ["GetParameter", "GetParameter"];

  test("Approve makes three calls one after the other after its secrets, none of them to Slack", async () => {
    const id = await world.ask();
    const { response, operations, calls } = await answer(world.createClickEvent("approve", id));
    expect(response).toMatchObject({ statusCode: 200, body: "" });
    // The decision and its event are stored in one transaction.
    expect(operations).toEqual([...secretReads, "GetItem", "TransactWriteItems", "Invoke"]);
    expect(world.slackCalls).toEqual([]);
    expect(calls.at(-1)).toMatchObject({
      path: "/2015-03-31/functions/slipway-answer-approval/invocations",
      input: { followUp: "finish-approval", approval: id, explainTo: null },
      status: 202,
    });
    expect((await world.readApproval(id))?.state.status).toBe("decided");
  });

  test("Reject reads the approval and Slack's token, and opens the dialog", async () => {
    const { operations } = await answer(world.createClickEvent("reject", await world.ask()));
    expect(operations).toEqual([...secretReads, "GetItem", "GetParameter"]);
    expect(world.slackCalls).toEqual(["views.open"]);
  });

  test("a click that does not count leaves its note to the follow-up", async () => {
    const event = world.createClickEvent("approve", await world.ask(), { user: "U0OTHER" });
    const { operations } = await answer(event);
    expect(operations).toEqual([...secretReads, "GetItem", "Invoke"]);
    expect(world.slackCalls).toEqual([]);
  });

  test("a click with a wrong signature reads the secrets and nothing else", async () => {
    const event = world.createClickEvent("approve", await world.ask(), { secret: "another secret" });
    const { response, operations } = await answer(event);
    expect(response).toMatchObject({ statusCode: 401 });
    expect(operations).toEqual(secretReads);
  });

  test("during a rotation the previous secret counts, too", async () => {
    await world.setPreviousSecret("the previous secret");
    const id = await world.ask();
    const event = world.createClickEvent("approve", id, { secret: "the previous secret" });
    expect((await answer(event)).response).toMatchObject({ statusCode: 200 });
    expect((await world.readApproval(id))?.state.status).toBe("decided");
  });

  test("a follow-up starts no other follow-up", async () => {
    const id = await world.ask();
    const { operations } = await answer({ followUp: "finish-approval", approval: id, explainTo: null });
    expect(operations).not.toContain("Invoke");
    expect(operations).toContain("GetItem");
  });
});
