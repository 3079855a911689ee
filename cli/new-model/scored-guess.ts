/** A guess that changes predictions or their score: what was chosen, and what the alternative would give. */
export type ScoredGuess = {
  readonly subject:
    | "task"
    | "labels"
    | "label"
    | "scores"
    | "codes"
    | "outputs"
    | "target"
    | "threshold"
    | "quantiles"
    | "deviation"
    | "columns"
    | "image"
    | "pair"
    | "pooling"
    | "normalize"
    | "truncation";
  /** The choice, its reason and its score. */
  readonly choice: string;
  /** The alternative, its score and how to choose it. */
  readonly alternative: string;
  /** Whether the alternative has the better score. */
  readonly isDoubtful: boolean;
};

/** The guess as one sentence. */
export const formatScoredGuess = ({ subject, choice, alternative }: ScoredGuess): string =>
  `${subject}: ${choice}; ${alternative}`;
