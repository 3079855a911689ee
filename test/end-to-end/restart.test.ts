/** A kill and a Ctrl-C during a delivery, and how the next start recovers. */
import { expect, test } from "vitest";
import { findSecrets } from "./find-secrets.ts";
import { createFixture } from "./fixture.ts";
import { fetchServingVersion } from "./prod-caller.ts";
import { startRehearsalProcess } from "./rehearsal-process.ts";
import { approverId, createSlackDriver } from "./slack-driver.ts";

const quick = ["--port", "0", "--bake", "300ms", "--traffic", "300"];
const minutes = 60_000;

test(
  "a delivery that is killed and interrupted during an open approval requests it again in the same message, and can be approved",
  async () => {
    const fixture = await createFixture();
    try {
      let delivery = "";
      let value: string | undefined;
      {
        await using killed = startRehearsalProcess(fixture, { args: quick });
        const question = await killed.waitFor("question");
        delivery = question.delivery;
        value = await createSlackDriver(fixture, question).questionOf(delivery);
        expect(killed.group().length, "the rehearsal and its workers").toBeGreaterThan(1);
        killed.kill();
        expect(await killed.ended()).toEqual({ code: null, signal: "SIGKILL" });
        // Its workers end when their parent is gone.
        await killed.groupEnded();
      }
      {
        await using interrupted = startRehearsalProcess(fixture, { args: quick });
        const again = await interrupted.waitFor("question");
        expect(again.delivery).toBe(delivery);
        expect(interrupted.stderr()).toMatch(/Continuing with the data in/);
        expect(interrupted.stderr()).toMatch(
          new RegExp(`Continuing ${delivery}: requesting its approval again`),
        );
        interrupted.interrupt();
        expect(await interrupted.ended(), interrupted.describe()).toEqual({ code: 130, signal: null });
        expect(interrupted.stderr()).toMatch(/Stopped\..*at the next `npm start`/);
        expect(interrupted.otherLines).toEqual([]);
        await interrupted.groupEnded();
      }
      {
        await using started = startRehearsalProcess(fixture, { args: quick });
        const question = await started.waitFor("question");
        expect(question.delivery).toBe(delivery);
        const slack = createSlackDriver(fixture, question);
        // A delivery has one message, however often its approval is requested.
        expect(await slack.questionOf(delivery)).toBe(value);
        expect((await slack.callback({ user: approverId, value: value ?? "" })).status).toBe(200);
        const { outcome } = await started.waitFor("outcome", (event) => event.delivery === delivery);
        expect(outcome).toBe("promoted");
        const { url } = await started.waitFor("serving", ({ environment }) => environment === "prod");
        expect(await fetchServingVersion(url)).toBe(1);
        expect((await slack.messagesOf(delivery)).map(({ text }) => text)).toEqual(["churn v1 serves prod"]);
        started.interrupt();
        expect((await started.ended()).code, started.describe()).toBe(130);
        await started.groupEnded();
      }
      expect(findSecrets(fixture)).toEqual([]);
    } finally {
      await fixture.remove();
    }
  },
  6 * minutes,
);

test(
  "Ctrl-C through npm start during a build exits with 130, and the next start continues",
  async () => {
    const fixture = await createFixture();
    try {
      let delivery = "";
      {
        await using interrupted = startRehearsalProcess(fixture, { args: quick, through: "npm start" });
        ({ delivery } = await interrupted.waitFor("state", ({ state }) => state === "BuildImage"));
        interrupted.interrupt();
        const { code, signal } = await interrupted.ended();
        // npm ends by the signal itself, which every shell reads as 130.
        expect(code ?? signal, interrupted.describe()).toSatisfy((end) => end === 130 || end === "SIGINT");
        expect(interrupted.stderr()).toMatch(/Stopped\./);
        await interrupted.groupEnded();
      }
      await using started = startRehearsalProcess(fixture, { args: quick });
      // The interrupted delivery is recovered and reported; its model is delivered again, under another name.
      const first = await started.waitFor("outcome");
      expect(first).toMatchObject({ delivery, outcome: "failed", error: "Interrupted" });
      const question = await started.waitFor("question");
      expect(question.delivery).toBe(`${delivery}-2`);
      started.interrupt();
      expect((await started.ended()).code, started.describe()).toBe(130);
      await started.groupEnded();
    } finally {
      await fixture.remove();
    }
  },
  6 * minutes,
);
