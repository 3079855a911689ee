/** What an approver should know has changed, since the gates are measured with it. */
const watchedFiles = ["holdout.csv", "golden.json"] as const;

type ContentIds = Readonly<Record<string, string>>;

/**
 * Sentences naming which of holdout.csv and golden.json differ from the champion's.
 * Both arguments map a file's name to an id of its content; without a champion nothing has changed.
 */
export const describeChangedFiles = (of: {
  readonly champion?: ContentIds | undefined;
  readonly challenger: ContentIds;
}): readonly string[] => {
  const { champion, challenger } = of;
  if (!champion) return [];
  return watchedFiles.flatMap((file) => {
    const before = champion[file];
    const after = challenger[file];
    if (before === after) return [];
    if (before === undefined) return [`${file} is new`];
    return after === undefined ? [`${file} was removed`] : [`${file} changed`];
  });
};
