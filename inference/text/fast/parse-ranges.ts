export type CharacterRange = readonly [first: number, last: number];

/** Parses ranges of character-tables.json, in order: hexadecimal, separated by spaces, the last character after a dash. */
export const parseRanges = (text: string): readonly CharacterRange[] =>
  text.split(" ").map((range): CharacterRange => {
    const [first = "", last = first] = range.split("-");
    return [Number.parseInt(first, 16), Number.parseInt(last, 16)];
  });

/** Whether a character (code point) is in one of the ranges. */
export const createRangeTest = (text: string): ((code: number) => boolean) => {
  let parsed: readonly CharacterRange[] | undefined;
  return (code) => {
    parsed ??= parseRanges(text);
    const ranges = parsed;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const [first, last] = ranges[middle] ?? [0, 0];
      if (code > last) low = middle + 1;
      else if (code < first) high = middle;
      else return true;
    }
    return false;
  };
};
