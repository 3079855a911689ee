/** With fewer rows of a label one row moves its share by more than 3 points: a score says nothing about that label. */
export const leastLabelRows = 30;

export type ThinLabel = { readonly label: string; readonly rows: number };

/** The labels with fewer than 30 rows, the rarest first; a label without rows counts. */
export const findThinLabels = (labels: readonly string[], truth: readonly string[]): readonly ThinLabel[] => {
  const counts = new Map<string, number>();
  for (const label of truth) counts.set(label, (counts.get(label) ?? 0) + 1);
  return labels
    .map((label) => ({ label, rows: counts.get(label) ?? 0 }))
    .filter(({ rows }) => rows < leastLabelRows)
    .toSorted((one, other) => one.rows - other.rows);
};

/** The labels as a message lists them, for example `label fraud: 12 rows, label other: 0 rows`. */
export const formatThinLabels = (thin: readonly ThinLabel[]): string =>
  `${thin
    .slice(0, 5)
    .map(({ label, rows }) => `label ${label}: ${rows} row${rows === 1 ? "" : "s"}`)
    .join(", ")}${thin.length > 5 ? `, … (${thin.length} labels)` : ""}`;
