import { RowsRefused } from "#domain/deployment/invoke-model.ts";
import type { CheckResults } from "#domain/gates/verdict.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { CanaryLimits } from "#domain/policy/policy.ts";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";
import type { Serving } from "#platform/serving/serving.ts";
import { checkReplay } from "./check-replay.ts";
import { type RecordedRowsLimits, readRecordedRows } from "./read-recorded-rows.ts";
import { replayRows } from "./replay-rows.ts";
import { timedOut, withinTime } from "./within-time.ts";

type ReplayCanaryDependencies = {
  readonly serving: Pick<Serving, "invoke">;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** Waits so many milliseconds. */
  readonly wait: (ms: number) => Promise<void>;
};

/** Whether a record has all values of its row: of a large tensor or image it has the hash alone. */
const isComplete = (row: Row): boolean =>
  !Object.values(row).some((value) => typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value));

/** With 300 rows the intervals of the 95th percentile have both ends; nothing is read or replayed beyond these. */
export const replayLimits = {
  rows: 300,
  bytes: 1_000_000,
  pages: 5,
} as const satisfies RecordedRowsLimits;
/** A third of the step's time. */
const replayMs = 40_000;

const name = "replay";

/**
 * Replays the last recorded inputs of prod to both versions of a canary without enough traffic. It is evidence for people
 * and no verdict on the canary. A reason takes its place where prod records no inputs, or where the replay is not possible.
 */
export const replayCanary =
  ({ serving, clock, wait }: ReplayCanaryDependencies) =>
  async ({
    model,
    champion,
    challenger,
    manifests,
    limits,
    labels,
  }: {
    readonly model: string;
    /** On prod. */
    readonly champion: Pick<Deployment, "functionVersion" | "version" | "promotedAt" | "startedAt">;
    /** The function version. */
    readonly challenger: string;
    /** Both keep inputs, or nothing is replayed: the owner may have stopped to keep them. */
    readonly manifests: readonly Pick<Manifest, "records">[];
    readonly limits: CanaryLimits;
    readonly labels: readonly string[];
  }): Promise<CheckResults> => {
    const omit = (why: string): CheckResults => ({ checks: [], omitted: [{ name, why }] });
    const rule = manifests.find(({ records }) => records.inputs !== "full")?.records.inputs;
    if (rule !== undefined) return omit(`no inputs are recorded (records.inputs: ${rule})`);
    try {
      const end = clock() + replayMs;
      const promotedAt = champion.promotedAt ?? champion.startedAt;
      const rows = await withinTime(
        end - clock(),
        readRecordedRows(serving, replayLimits)(model, { ...champion, promotedAt }),
      );
      if (rows === undefined) return omit("prod's functions keep no records");
      if (rows.length === 0) return omit("prod has no recorded inputs since the champion's promotion");
      const complete = rows.filter(isComplete);
      if (complete.length === 0)
        return omit("the recorded tensors and images are too large to keep: only their hashes are");
      const versions = { champion: champion.functionVersion, challenger };
      const replayed = await replayRows({ serving, clock, wait })(model, versions, complete, end - clock());
      if (replayed.length === 0) return omit("prod was too busy, or the replay took too long");
      return { checks: checkReplay(replayed, limits, labels), omitted: [] };
    } catch (error) {
      if (error === timedOut) return omit("reading the recorded inputs took too long");
      // Evidence must not end a delivery: the approvers see why it is missing. A message could name a row's values.
      if (error instanceof RowsRefused)
        return omit("the champion refuses its recorded rows, or its image is older than replays");
      return omit(`not possible: ${error instanceof Error ? error.name : "unknown error"}`);
    }
  };
