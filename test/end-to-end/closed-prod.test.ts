/** A freeze, on the complete system: a delivery waits, says why, and goes on when the freeze ends. */
import { expect, test } from "vitest";
import { createFixture } from "./fixture.ts";
import { startRehearsalProcess } from "./rehearsal-process.ts";
import { runSlipway } from "./run-slipway.ts";
import { approverId, createSlackDriver } from "./slack-driver.ts";

const minutes = 60_000;

test(
  "a frozen model's delivery is approved and waits before prod, shows why, and serves prod once the freeze is ended",
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
      expect((await slipway("freeze")).stdout).toMatch(/churn +\d{4}-\S+ +\S+ +Black Friday/);

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
      const alone = ["approve", "churn", "--as", approverId, "--break-glass", "--reason", "urgent"];
      const broken = await slipway(...alone);
      expect(broken.code).toBe(1);
      expect(broken.stderr).toContain("needs one more approver");

      expect((await slipway("unfreeze", "churn")).code).toBe(0);
      const { outcome } = await rehearsal.waitFor("outcome", (event) => event.delivery === delivery);
      expect(outcome).toBe("promoted");
      expect(await page()).not.toContain("frozen");
      const again = await slipway("unfreeze", "churn");
      expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("churn is not frozen.")]);
    } finally {
      await rehearsal[Symbol.asyncDispose]();
      await fixture.remove();
    }
  },
  6 * minutes,
);
