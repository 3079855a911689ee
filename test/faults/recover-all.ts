import type { KillPoint } from "./kill-point-recorder.ts";
import type { PreparedWorld } from "./prepare-world.ts";
import {
  type DeliveryState,
  deliverAgain,
  type ExpectedRecovery,
  findBrokenRules,
  readDeliveryState,
} from "./recovery-checks.ts";
import { sampleKillPoints } from "./sample-kill-points.ts";
import { decideAndWait, startTestRehearsal } from "./test-rehearsal.ts";

export type RecoveryOptions = {
  /** The expected state after the restart's recovery. */
  readonly expected: (before: DeliveryState) => ExpectedRecovery;
  readonly answer?: "approve" | "reject";
  readonly canaryFails?: boolean;
  /** Delivers the same commit again after every n kill points. */
  readonly againEvery?: number;
};

/** Starts a rehearsal on the data folder that each kill left (sampleKillPoints says which); returns a sentence for every broken rule. */
export const recoverAll = async (
  { machine, commit, delivery, row }: PreparedWorld,
  points: readonly KillPoint[],
  { expected, answer, canaryFails = false, againEvery = 12 }: RecoveryOptions,
): Promise<string[]> => {
  const broken: string[] = [];
  for (const [index, { moment, folder }] of sampleKillPoints(points).entries()) {
    const rehearsal = await startTestRehearsal({ folder, machine, canaryFails });
    try {
      const before = await readDeliveryState(rehearsal, delivery);
      await rehearsal.begin();
      if (before.execution === "absent") await rehearsal.look();
      if ((await rehearsal.world.deliveries.describe(delivery))?.status === "RUNNING")
        await decideAndWait(rehearsal, delivery, answer);
      const recovery = expected(before);
      const rules = await findBrokenRules(rehearsal, delivery, recovery, row);
      if (!canaryFails && index % againEvery === againEvery - 1) {
        const outcome = await deliverAgain(rehearsal, commit);
        if (outcome !== (recovery.outcome === "promoted" ? "unchanged" : "promoted"))
          rules.push(`a second delivery ends as ${outcome}`);
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
