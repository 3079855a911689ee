import { readTag, type TagScheme } from "#model-folder/manifest/read-tag.ts";

/** An entity of a text: its label, its first word and its last one, counted from 0. */
export type WordSpan = { readonly label: string; readonly first: number; readonly last: number };

/**
 * Joins the tags of a text's words to entities, as conlleval does: B- starts one, and so does a tag whose label differs
 * from the one before. Words with the label `outside` belong to none.
 */
export const groupTags = (
  tags: readonly string[],
  { scheme, outside }: { readonly scheme: TagScheme; readonly outside: string },
): WordSpan[] => {
  const spans: WordSpan[] = [];
  let isOpen = false;
  for (const [at, tag] of tags.entries()) {
    const { label, starts, ends } = readTag(tag, scheme);
    const last = spans.at(-1);
    const continues = isOpen && last?.last === at - 1 && last.label === label && !starts;
    if (label === outside) isOpen = false;
    else if (continues && last) spans[spans.length - 1] = { ...last, last: at };
    else spans.push({ label, first: at, last: at });
    if (label !== outside) isOpen = !ends;
  }
  return spans;
};
