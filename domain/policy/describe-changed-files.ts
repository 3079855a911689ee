/** The file with the truth; a model without gates on scores may come without it. */
export const holdoutFile = "holdout.csv";
/** The gates are measured with these files. */
const watchedFiles = [holdoutFile, "golden.json"] as const;

type ContentIds = Readonly<Record<string, string>>;

/**
 * Which of holdout.csv and golden.json differ from the champion's. Both arguments map file names to content ids.
 * Without a champion nothing has changed.
 */
export const describeChangedFiles = (folders: {
  readonly champion?: ContentIds | undefined;
  readonly challenger: ContentIds;
}): readonly string[] => {
  const { champion, challenger } = folders;
  if (!champion) return [];
  return watchedFiles.flatMap((file) => {
    const before = champion[file];
    const after = challenger[file];
    if (before === after) return [];
    if (before === undefined) return [`${file} is new`];
    if (file === holdoutFile && after === undefined) return [`${file} was removed: no score is measured`];
    return after === undefined ? [`${file} was removed`] : [`${file} changed`];
  });
};
