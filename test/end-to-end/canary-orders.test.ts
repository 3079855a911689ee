/** People's orders about a live canary, by Slack's signed callbacks and by the command line, with prod called from outside. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createFixture, type Fixture } from "./fixture.ts";
import { fetchServingVersion } from "./prod-caller.ts";
import { type RehearsalProcess, startRehearsalProcess } from "./rehearsal-process.ts";
import { runSlipway } from "./run-slipway.ts";
import { approverId, authorId, createSlackDriver, guestId, type SlackDriver } from "./slack-driver.ts";

const minutes = 60_000;
const Result = z.union([
  z.looseObject({ taken: z.literal(true), sentence: z.string(), order: z.string() }),
  z.object({ error: z.object({ name: z.string(), message: z.string(), remedy: z.null() }) }),
]);
const Canary = z.looseObject({ status: z.string(), percent: z.number(), looks: z.array(z.unknown()) });
const Orders = z.array(z.looseObject({ kind: z.string(), by: z.string(), reason: z.string().nullable() }));
const Ledger = z.array(z.looseObject({ delivery: z.string(), status: z.string(), orders: Orders }));
const Audit = z.looseObject({
  valid: z.boolean(),
  trail: z.array(z.looseObject({ kind: z.string(), delivery: z.string().nullable(), detail: z.unknown() })),
});

// Without traffic no step passes: what moves is what people order.
describe("a canary that proves nothing", { timeout: 15 * minutes }, () => {
  let fixture: Fixture;
  let rehearsal: RehearsalProcess;
  let slack: SlackDriver;
  let prod = "";
  beforeAll(async () => {
    fixture = await createFixture();
    rehearsal = startRehearsalProcess(fixture, {
      args: ["--port", "0", "--bake", "500ms", "--traffic", "0"],
    });
    slack = createSlackDriver(fixture, await rehearsal.waitFor("question"));
  }, 6 * minutes);
  afterAll(async () => {
    await rehearsal[Symbol.asyncDispose]();
    await fixture.remove();
  });

  const slipway = async (...args: string[]) =>
    runSlipway(fixture, [...args, "--data", fixture.data, "--json"]);
  const order = async (...args: string[]) => {
    const { code, stdout } = await slipway("canary", ...args, "--as", approverId);
    return { code, ...Result.parse(JSON.parse(stdout)) };
  };
  const readCanary = async () => Canary.parse(JSON.parse((await slipway("canary", "churn")).stdout));
  /** The versions that answer prod's next requests. */
  const call = async (times: number) => {
    const versions: number[] = [];
    for (let request = 0; request < times; request++) versions.push(await fetchServingVersion(prod));
    return (version: number) => versions.filter((each) => each === version).length;
  };
  const waitForState = (delivery: string, state: string, from: number) =>
    rehearsal.waitFor(
      "state",
      (event) => event.delivery === delivery && event.state === state && event.status === "succeeded",
      { from },
    );
  const waitForRounds = async (delivery: string, rounds: number) => {
    for (let round = 0; round < rounds; round++)
      await waitForState(delivery, "JudgeCanary", rehearsal.mark());
  };
  /** Approves what is asked now, by the model's name where checks are inconclusive. */
  const approve = async (delivery: string, user = approverId) => {
    const value = (await slack.questionOf(delivery)) ?? "";
    const typed = (await slack.asksForName(delivery)) ? { typed: "churn" } : {};
    return slack.callback({ user, value, ...typed });
  };
  const startCanary = async (delivery: string) => {
    const from = rehearsal.mark();
    expect(await approve(delivery)).toEqual({ status: 200, text: "" });
    await waitForState(delivery, "ShiftTraffic", from);
  };
  const expectAborted = async (delivery: string, reason: string) => {
    expect(await rehearsal.waitFor("outcome", (event) => event.delivery === delivery)).toMatchObject({
      outcome: "failed",
      error: "CanaryAborted",
      cause: expect.stringContaining(reason),
    });
    // At 50 % the new version would answer half of them.
    expect((await call(20))(1)).toBe(20);
    const ledger = Ledger.parse(JSON.parse((await slipway("history", "churn")).stdout));
    const entry = ledger.find((each) => each.delivery === delivery);
    expect(entry?.status).toBe("ended");
    const given = ["hold", "end-hold", "go", "abort"];
    expect(entry?.orders.map(({ kind, by }) => [kind, by])).toEqual(given.map((kind) => [kind, approverId]));
    expect(entry?.orders.at(-1)?.reason).toBe(reason);
    // The sweep, or the decision's own recording.
    const readAudit = async () => {
      const { valid, trail } = Audit.parse(JSON.parse((await slipway("audit", "churn")).stdout));
      expect(valid).toBe(true);
      return trail
        .filter((each) => each.kind === "canary-order" && each.delivery === delivery)
        .map(({ detail }) => detail);
    };
    await expect
      .poll(readAudit, { timeout: 5 * minutes, interval: 1_000 })
      .toMatchObject(given.map((kind) => ({ order: kind, user: approverId })));
  };
  let second = "";

  test("Slack's buttons hold its share, end the hold, and ask; the approvers' answer moves it on, and an abort puts prod back", async () => {
    const first = await rehearsal.waitFor("question");
    expect(await approve(first.delivery)).toEqual({ status: 200, text: "" });
    const asked = await rehearsal.waitFor("question", ({ delivery }) => delivery !== first.delivery);
    prod = (await rehearsal.waitFor("serving", (event) => event.environment === "prod")).url;
    second = asked.delivery;
    const value = (await slack.questionOf(second)) ?? "";
    await startCanary(second);
    const clickAs = async (user: string, action: string) => {
      expect(await slack.callback({ user, action, value })).toEqual({ status: 200, text: "" });
    };
    const labels = () => slack.labelsOf(second);
    const buttons = (labels: readonly string[]) => expect.arrayContaining([...labels]);
    await expect
      .poll(labels, { timeout: 5 * minutes })
      .toEqual(buttons(["Hold for 1 hour", "Ask to go on", "Abort the canary…"]));

    // Neither a guest nor the author gives an order, and a forged click is refused.
    await clickAs(guestId, "canary-hold");
    await clickAs(authorId, "canary-hold");
    const forged = { user: approverId, action: "canary-hold", value, secret: "another secret" };
    expect((await slack.callback(forged)).status).toBe(401);
    expect((await readCanary()).status).toBe("running");
    await clickAs(approverId, "canary-hold");
    await expect
      .poll(labels, { timeout: 5 * minutes })
      .toEqual(buttons(["Hold for 1 hour", "End the hold", "Abort the canary…"]));
    await waitForRounds(second, 3);
    expect(await readCanary()).toMatchObject({ status: "held", percent: 10 });
    expect((await call(20))(2)).toBeLessThan(14);
    await clickAs(approverId, "canary-end-hold");
    await expect
      .poll(labels, { timeout: 5 * minutes })
      .toEqual(buttons(["Hold for 1 hour", "Ask to go on", "Abort the canary…"]));

    let from = rehearsal.mark();
    await clickAs(approverId, "canary-go");
    await rehearsal.waitFor("question", ({ delivery }) => delivery === second, { from });
    // The answer is an approval: by the model's name, and not by the author.
    await expect.poll(() => slack.asksForName(second), { timeout: 5 * minutes }).toBe(true);
    expect((await approve(second, authorId)).text).toContain("not an approver");
    expect(await readCanary()).toMatchObject({ status: "asked", percent: 10 });
    from = rehearsal.mark();
    expect(await approve(second)).toEqual({ status: 200, text: "" });
    await waitForState(second, "ShiftTraffic", from);
    const counts = await call(40);
    expect(Math.min(counts(1), counts(2))).toBeGreaterThan(4);

    const reason = "customers complain";
    const dialog = { dialog: "canary-abort-reason", typed: reason, value } as const;
    expect((await slack.callback({ user: guestId, ...dialog })).text).toContain("not an approver");
    expect(await slack.callback({ user: approverId, ...dialog })).toEqual({ status: 200, text: "" });
    await expectAborted(second, reason);
    const page = await slack.pageFor(approverId);
    for (const said of ["holds the canary of churn v2", "ended the hold", "aborted the canary of churn v2"])
      expect(page).toContain(said);
    expect(page).toContain(reason);
    expect(await labels()).not.toContain("Abort the canary…");
  });

  test("the command line gives the same orders", async () => {
    let from = rehearsal.mark();
    expect((await slipway("deliver", "churn")).code).toBe(0);
    const { delivery } = await rehearsal.waitFor("question", (event) => event.delivery !== second, { from });
    await startCanary(delivery);
    const held = await order("hold", "churn", "--for", "30m", "--reason", "a sale");
    expect(held).toMatchObject({ code: 0, taken: true, order: "hold" });
    await waitForRounds(delivery, 3);
    expect(await readCanary()).toMatchObject({ status: "held", percent: 10 });
    expect((await call(20))(1)).toBeGreaterThan(6);
    expect(await order("go", "churn")).toMatchObject({ code: 0, taken: true, order: "end-hold" });
    from = rehearsal.mark();
    expect(await order("go", "churn")).toMatchObject({ code: 0, taken: true, order: "go" });
    await rehearsal.waitFor("question", (event) => event.delivery === delivery, { from });
    expect(await order("go", "churn", "--yes")).toMatchObject({
      code: 1,
      error: { name: "OrderRefused", message: expect.stringContaining("--yes --confirm churn") },
    });
    from = rehearsal.mark();
    expect(await order("go", "churn", "--yes", "--confirm", "churn")).toMatchObject({ code: 0, taken: true });
    await waitForState(delivery, "ShiftTraffic", from);
    expect(await readCanary()).toMatchObject({ percent: 50 });
    const aborted = await order("abort", "churn", "--reason", "no proof, no rollout");
    expect(aborted).toMatchObject({ code: 0, taken: true, order: "abort" });
    await expectAborted(delivery, "no proof, no rollout");
  });
});
