import type { KillPoint } from "./kill-point-recorder.ts";
import type { PreparedWorld } from "./prepare-world.ts";
import {
  type DeliveryState,
  deliverAgain,
  type ExpectedRecovery,
  findBrokenRules,
  readDeliveryState,
} from "./recovery-checks.ts";
import { decideAndWait, startTestRehearsal } from "./test-rehearsal.ts";

export type RecoveryOptions = {
  /** The state that is expected after the restart's recovery. */
  readonly expected: (before: DeliveryState) => ExpectedRecovery;
  readonly answer?: "approve" | "reject";
  readonly canaryFails?: boolean;
  /** Every how many kill points the same commit is delivered once more. */
  readonly againEvery?: number;
};

/** Starts a rehearsal on what each kill left, and gives a sentence for every rule that is broken then. */
export const recoverAll = async (
  { machine, commit, delivery, row }: PreparedWorld,
  points: readonly KillPoint[],
  { expected, answer, canaryFails = false, againEvery = 12 }: RecoveryOptions,
): Promise<string[]> => {
  const broken: string[] = [];
  for (const [index, { moment, folder }] of points.entries()) {
    const rehearsal = await startTestRehearsal({ folder, machine, canaryFails });
    try {
      const before = await readDeliveryState(rehearsal, delivery);
      await rehearsal.begin();
      if (before.execution === "absent") await rehearsal.look();
      if ((await rehearsal.world.deliveries.describe(delivery))?.status === "RUNNING")
        await decideAndWait(rehearsal, delivery, answer);
      const wanted = expected(before);
      const rules = await findBrokenRules(rehearsal, delivery, wanted, row);
      if (!canaryFails && index % againEvery === againEvery - 1) {
        const outcome = await deliverAgain(rehearsal, commit);
        if (outcome !== (wanted.outcome === "promoted" ? "unchanged" : "promoted"))
          rules.push(`delivered again, it ends as ${outcome}`);
      }
      broken.push(
        ...rules.map((sentence) => `${moment} (${before.execution} in ${before.state}): ${sentence}`),
      );
    } catch (error) {
      broken.push(`${moment}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    } finally {
      await rehearsal.stop();
    }
  }
  return broken;
};
