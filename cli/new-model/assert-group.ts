import { NewModelRefused } from "./new-model-refused.ts";

/** Throws NewModelRefused for a ranking with truth and without groups: otherwise their column would be taken for an input. */
export const assertGroup = (
  { task, group }: { readonly task?: string | undefined; readonly group?: string | undefined },
  hasTruth: boolean,
): void => {
  if (task === "ranking" && hasTruth && group === undefined)
    throw new NewModelRefused(
      "a ranking is measured by group, and no column says which rows are ranked together",
      "Add --group <column>, or leave the relevance out with --ignore <column> in place of --target.",
    );
};
