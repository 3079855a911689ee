/** Two rules of approvals on the complete system: a freeze holds a delivery, and an inconclusive check needs a typed name. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { createFixture } from "./fixture.ts";
import { openModelRepository } from "./model-repository.ts";
import { startRehearsalProcess } from "./rehearsal-process.ts";
import { runSlipway } from "./run-slipway.ts";
import { approverId, createSlackDriver } from "./slack-driver.ts";

const minutes = 60_000;
const Audit = z.object({
  trail: z.array(z.object({ kind: z.string(), detail: z.record(z.string(), z.unknown()) })),
});

test(
  "a frozen model's delivery waits before prod until the freeze ends; an inconclusive one is approved by the model's name alone",
  async () => {
    const fixture = await createFixture();
    await using rehearsal = startRehearsalProcess(fixture, {
      args: ["--port", "0", "--bake", "300ms", "--traffic", "0"],
    });
    const slipway = (...args: string[]) => runSlipway(fixture, [...args, "--data", fixture.data]);
    try {
      const { delivery, ...question } = await rehearsal.waitFor("question");
      const slack = createSlackDriver(fixture, { ...question });
      const frozen = await slipway(
        "freeze",
        "churn",
        "--until",
        "PT2H",
        "--reason",
        "Black Friday",
        "--json",
      );
      expect(frozen.code, frozen.stderr).toBe(0);
      expect(JSON.parse(frozen.stdout)).toMatchObject({
        models: ["churn"],
        reason: "Black Friday",
        replaced: null,
      });
      expect((await slipway("freeze")).stdout).toMatch(/churn +\d{4}-\S+ .* Black Friday/);

      const unasked = await slipway("approve", "churn", "--as", approverId, "--json");
      expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining("add --yes")]);
      const value = (await slack.questionOf(delivery)) ?? "";
      expect((await slack.callback({ user: approverId, value })).status).toBe(200);
      await rehearsal.waitFor(
        "state",
        (event) => event.delivery === delivery && event.state === "AwaitOpening",
      );
      const page = async () =>
        (await slack.messagesOf(delivery)).map((message) => JSON.stringify(message)).join();
      await expect.poll(page, { timeout: minutes }).toContain("churn is frozen by ");
      expect(await page()).toContain("churn v1 waits, because prod is closed");
      expect(await page()).toContain("Break the glass…");
      const status = await slipway("status", "churn");
      expect(status.stdout).toMatch(
        /waits: prod is closed: churn is frozen by .*Black Friday; until \d{4}-\d\d-\d\d \d\d:\d\d UTC, in 2 h/,
      );
      expect(status.stdout).not.toContain("AwaitOpening");
      // Who approved is no approver more.
      const glass = ["approve", "churn", "--as", approverId, "--break-glass", "--reason", "urgent", "--json"];
      const again = await slipway(...glass);
      expect(again.code).toBe(1);
      expect(JSON.parse(again.stdout)).toEqual({
        error: {
          name: "DecisionRefused",
          message: expect.stringContaining("needs one more approver than the quorum"),
          remedy: null,
        },
      });
      expect((await slipway("unfreeze", "churn")).code).toBe(0);
      const { outcome } = await rehearsal.waitFor("outcome", (event) => event.delivery === delivery);
      expect(outcome).toBe("promoted");
      expect(await page()).not.toContain("frozen");
      const rows = join(fixture.folder, "rows.json");
      writeFileSync(rows, '{ "tenure": -5 }');
      const refused = await slipway("predict", "churn", "--rows", rows, "--json");
      expect(refused.code).toBe(1);
      expect(JSON.parse(refused.stdout)).toMatchObject({
        error: {
          name: "PredictionFailed",
          message: expect.stringMatching(/^churn: Invalid rows\. .*\/rows\/0\/\S+ .*and \d+ more\.$/),
        },
      });

      // The next version may lose almost nothing against this one, which no holdout of its size can prove.
      const scientist = openModelRepository(fixture);
      const manifest = scientist.file("model.yaml");
      writeFileSync(
        manifest,
        readFileSync(manifest, "utf8").replaceAll(
          "notWorseThanChampionBy: 0.02",
          "notWorseThanChampionBy: 0.0001",
        ),
      );
      scientist.commit("A stricter gate");
      const next = await rehearsal.waitFor("question", (event) => event.delivery !== delivery);
      await expect.poll(() => slack.asksForName(next.delivery), { timeout: minutes }).toBe(true);
      const approval = (await slack.questionOf(next.delivery)) ?? "";
      const ts = (await slack.messagesOf(next.delivery))[0]?.ts;
      const post = async (path: string, body: object): Promise<unknown> =>
        (
          await fetch(new URL(path, question.desk), {
            method: "POST",
            headers: { origin: new URL(question.desk).origin, "content-type": "application/json" },
            body: JSON.stringify({ as: approverId, ...body }),
          })
        ).json();
      using open = await slack.openPage(approverId);
      expect(await post("/desk/clicks", { ts, block: "decision", action: "approve" })).toEqual({
        status: "answered",
      });
      expect(await slack.questionOf(next.delivery)).toBe(approval);
      const unconfirmed = await slipway("approve", "churn", "--as", approverId, "--yes");
      expect([unconfirmed.code, unconfirmed.stderr]).toEqual([
        2,
        expect.stringContaining("add --confirm churn"),
      ]);
      const dialog = await open.readDialog();
      expect(dialog).toContain("Type churn to approve nevertheless");
      const view = /data-view="([\w-]+)"/.exec(dialog)?.[1];
      expect(await post(`/desk/views/${view}`, { typed: { confirmation: "yes" } })).toMatchObject({
        status: "refused",
      });
      expect(await post(`/desk/views/${view}`, { typed: { confirmation: "churn" } })).toEqual({
        status: "closed",
      });
      await rehearsal.waitFor(
        "state",
        (event) => event.delivery === next.delivery && event.state === "ClaimProd",
      );

      const audited = await slipway("audit", "churn", "--json");
      expect(audited.code, audited.stderr).toBe(0);
      const { trail } = Audit.parse(JSON.parse(audited.stdout));
      expect(trail.filter(({ kind }) => kind === "frozen" || kind === "unfrozen")).toMatchObject([
        { kind: "frozen", detail: { scope: "churn", reason: "Black Friday" } },
        { kind: "unfrozen", detail: { scope: "churn" } },
      ]);
    } finally {
      await rehearsal[Symbol.asyncDispose]();
      await fixture.remove();
    }
  },
  6 * minutes,
);
