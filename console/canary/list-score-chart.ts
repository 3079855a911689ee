import type { CanaryLook } from "#domain/canary/canary-look.ts";
import type { ScoreDistribution } from "#domain/canary/score-distribution.ts";
import { thinLooks } from "./list-charts.ts";

export type ScorePercentiles = NonNullable<ScoreDistribution["percentiles"]>;

export type ScorePoint = {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly percent: number;
  readonly verdict: "pass" | "fail" | "inconclusive" | null;
  readonly champion: ScorePercentiles | null;
  readonly challenger: ScorePercentiles | null;
};

/** The distribution of both versions' scores over time, or why there is none. */
export type ScoreChart =
  | {
      readonly status: "chart";
      /** What the score is: `probability of “churn”`. */
      readonly score: string;
      /** Oldest first. */
      readonly points: readonly ScorePoint[];
      /** A sentence: why one of the versions is missing. */
      readonly missing: string | null;
    }
  | { readonly status: "none"; readonly why: string };

const scaleWords = {
  probability: "probability",
  decision: "decision value",
  distance: "distance",
  value: "value",
} as const;

const describeScore = ({ of, name, scale, unit }: ScoreDistribution): string => {
  switch (of) {
    case "label":
      return `${scaleWords[scale]} of “${name}”`;
    case "predicted label":
      return `${scaleWords[scale]} of the predicted label`;
    case "value":
      return `predicted ${name}${unit === null ? "" : `, ${unit}`}`;
    default:
      return of satisfies never;
  }
};

const nothing = (why: string): ScoreChart => ({ status: "none", why });

/** @param looks at least one, oldest first */
export const listScoreChart = (looks: readonly CanaryLook[]): ScoreChart => {
  const last = looks.at(-1);
  const challenger = last?.challenger.scores;
  const champion = last?.champion.scores;
  if (challenger === undefined)
    return nothing(
      "The distribution of scores is not shown: an earlier release measured this canary, without scores.",
    );
  if (challenger === null)
    return nothing(
      "The distribution of scores is not shown: this model's predictions have no score, or several and none of them first.",
    );
  const score = describeScore(challenger);
  // Of two different numbers, a comparison would be wrong.
  const isSame = champion ? describeScore(champion) === score : false;
  const points = thinLooks(looks)
    .map(
      ({ at, percent, judged, ...arms }): ScorePoint => ({
        ...{ at, percent, verdict: judged?.verdict ?? null },
        champion: (isSame && arms.champion.scores?.percentiles) || null,
        challenger: arms.challenger.scores?.percentiles ?? null,
      }),
    )
    .filter((point) => point.champion ?? point.challenger);
  if (points.length === 0)
    return nothing(
      `The distribution of scores (${score}) is not shown: no version reported scores yet. They come with successful predictions; a version whose image was built by an earlier release reports none.`,
    );
  const missing = !champion
    ? "Prod's version has no score."
    : isSame
      ? findMissing(points)
      : `Prod's version is not shown: its score is another number, the ${describeScore(champion)}.`;
  return { status: "chart", score, points, missing };
};

const findMissing = (points: readonly ScorePoint[]): string | null => {
  const silent = (["challenger", "champion"] as const).find((arm) => points.every((point) => !point[arm]));
  if (silent === undefined) return null;
  return `${silent === "champion" ? "Prod's" : "The new"} version reported no scores yet; an image that an earlier release built reports none.`;
};
