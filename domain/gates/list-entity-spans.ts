import type { Entity } from "#model-folder/manifest/manifest.ts";
import type { WordSpan } from "#model-folder/rows/group-tags.ts";
import type { Word } from "#model-folder/rows/split-words.ts";

/**
 * The entities of a prediction as spans of words: a word has the label of the entity in which it begins, and two words that
 * begin in one entity are one span. So a word has the label of its first token, as in the usual evaluation (seqeval).
 */
export const listEntitySpans = (words: readonly Word[], entities: readonly Entity[]): WordSpan[] => {
  const spans: WordSpan[] = [];
  let previous: Entity | undefined;
  for (const [at, { start }] of words.entries()) {
    const entity = entities.find((each) => each.start <= start && start < each.end);
    const last = spans.at(-1);
    if (entity && entity === previous && last) spans[spans.length - 1] = { ...last, last: at };
    else if (entity) spans.push({ label: entity.label, first: at, last: at });
    previous = entity;
  }
  return spans;
};
