import { invokeModel, RowsRefused } from "#domain/deployment/invoke-model.ts";
import type { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { FunctionBusy, FunctionFailed, type Serving } from "#platform/serving/serving.ts";
import { timedOut, withinTime } from "./within-time.ts";

/** One row, predicted by both versions. */
export type ReplayedRow = {
  readonly champion: ReplayedCall;
  /** An error: the challenger failed at this row, or refused it, where the champion did not. */
  readonly challenger: ReplayedCall | { readonly error: string };
};
type ReplayedCall = { readonly prediction: Prediction; readonly durationMs: number };

type ReplayRowsDependencies = {
  readonly serving: Pick<Serving, "invoke">;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** Waits so many milliseconds. */
  readonly wait: (ms: number) => Promise<void>;
};

/** Prod's own requests come between: with one call at a time a replay takes at most one of the account's executions. */
const pauseMs = 50;

/**
 * Predicts each row with both versions, called by their numbers: one row and one call at a time, in alternating order, so
 * that both versions meet the same machine. Ends early after `limitMs`, and at once when the functions are busy: prod's own
 * requests come first. The first call of each version is not measured, because it may start the function.
 * Throws NotServed, and FunctionFailed or RowsRefused of the champion.
 */
export const replayRows =
  ({ serving, clock, wait }: ReplayRowsDependencies) =>
  async (
    model: string,
    versions: { readonly champion: string; readonly challenger: string },
    rows: readonly Row[],
    limitMs: number,
  ): Promise<readonly ReplayedRow[]> => {
    const end = clock() + limitMs;
    const predict = async (version: string, row: Row): Promise<ReplayedCall> => {
      const call = invokeModel(serving)(model, { version }, [row], { replay: true });
      const { predictions, durationMs } = await withinTime(end - clock(), call);
      return { prediction: predictions[0] ?? { scores: {} }, durationMs };
    };
    const challenge = (row: Row): Promise<ReplayedRow["challenger"]> =>
      predict(versions.challenger, row).catch((error: unknown) => {
        if (error instanceof RowsRefused || error instanceof FunctionFailed) return { error: error.name };
        throw error;
      });
    const predictBoth = async (row: Row, challengerFirst: boolean): Promise<ReplayedRow> => {
      if (!challengerFirst) {
        const champion = await predict(versions.champion, row);
        return { champion, challenger: await challenge(row) };
      }
      const challenger = await challenge(row);
      return { champion: await predict(versions.champion, row), challenger };
    };
    const replayed: ReplayedRow[] = [];
    try {
      const [first] = rows;
      // The challenger first: its runtime is the newer one and knows replays.
      if (first) await predictBoth(first, true);
      for (const [index, row] of rows.entries()) {
        if (clock() >= end) break;
        replayed.push(await predictBoth(row, index % 2 === 1));
        await wait(pauseMs);
      }
    } catch (error) {
      const isBusy = error instanceof FunctionBusy || error instanceof TemporaryFault;
      if (!isBusy && error !== timedOut) throw error;
    }
    return replayed;
  };
