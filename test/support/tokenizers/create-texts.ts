/** Scripts with rules of their own, and with characters of several bytes; first and last code points. */
const scripts = [
  [0x20, 0x7e],
  [0x41, 0x7a],
  [0xa0, 0x24f],
  [0x300, 0x36f],
  [0x370, 0x3ff],
  [0x400, 0x4ff],
  [0x590, 0x6ff],
  [0x900, 0x97f],
  [0xe00, 0xe7f],
  [0x1100, 0x11ff],
  [0x1e00, 0x1fff],
  [0x2000, 0x206f],
  [0x3000, 0x30ff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe00, 0xffff],
  [0x1d400, 0x1d7ff],
  [0x1f300, 0x1faff],
  [0x2f800, 0x2fa1f],
] as const;
const words =
  "the The film was not bad unbelievable I'm we'll they'd 's 'll 'LL it's THIS Straße ΟΔΥΣΣΕΥΣ Σ ς naïve Ǆ İstanbul ﬁn 42 3.14 1,000 ½ don't café cafe\u0301 한국어 漢字 🦆 👩‍👩‍👧 [SEP] [UNK] <s> ## ##ing".split(
    " ",
  );
const gaps = [
  " ",
  " ",
  " ",
  "",
  "  ",
  "\n",
  "\t",
  "\r\n",
  "\u00a0",
  "\u200b",
  "\u200d",
  "\u2028",
  "\u3000",
  "\ufeff",
  "\0",
  "\u0301",
];

/**
 * Texts from all planes of Unicode, half of a surrogate pair and runs above every limit included. Equal seeds give equal
 * texts.
 * @param random returns a number from 0 to 1, without 1
 */
export const createTexts = function* (random: () => number, count: number): Generator<string> {
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)];
  const integer = (first: number, last: number) => first + Math.floor(random() * (last - first + 1));
  const character = (): string => {
    const [first, last] = random() < 0.8 ? (pick(scripts) ?? scripts[0]) : [0, 0x10_ffff];
    return String.fromCodePoint(integer(first, last));
  };
  const run = (): string => {
    const [first, last] = pick(scripts) ?? scripts[0];
    return Array.from({ length: integer(1, 9) }, () => String.fromCodePoint(integer(first, last))).join("");
  };
  const piece = (): string => {
    const kind = random();
    if (kind < 0.35) return pick(words) ?? "";
    if (kind < 0.65) return character();
    if (kind < 0.95) return run();
    if (kind < 0.96) return String.fromCharCode(integer(0xd800, 0xdfff));
    return (pick(["a", "é", "漢", "!", " ", "🦆", "\u0301", "ab"]) ?? "").repeat(integer(2, 120));
  };
  for (let text = 0; text < count; text++)
    yield Array.from({ length: integer(0, 9) }, () => piece() + (pick(gaps) ?? "")).join("");
};
