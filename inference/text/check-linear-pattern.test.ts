import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkLinearPattern } from "./check-linear-pattern.ts";

describe("patterns of well-known tokenizers are accepted", () => {
  test.each([
    ["GPT-2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
    [
      "Llama 3",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    [
      "Qwen 2",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    [
      "GPT-4o",
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    [
      "CLIP",
      "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
    ],
    ["BLOOM", " ?[^(\\s|[.,!?…。，、।۔،])]+"],
    ["XLM-RoBERTa's spaces", " {2,}"],
    ["DeepSeek's digits", "\\p{N}{1,3}"],
    ["a line break", "\\n"],
    ["words", "\\w+|[^\\w\\s]+"],
  ])("%s", (_, pattern) => {
    expect(checkLinearPattern(pattern)).toBeUndefined();
  });
});

describe("patterns that can backtrack are refused with the reason", () => {
  test.each([
    "(a+)+$",
    "(a|aa)*b",
    "(?:a|aa)+",
    "(x+x+)+y",
    "([a-z]+)*(?!\\S)",
    "(?=(a+))a*b",
    "(?<=a+)b",
    "(a)\\1+b",
    "a*b",
    "\\s+$",
    "a+a+",
    ".*foo",
    "(?:a{1,30}){1,30}",
    "(?:a|a){1,60}b",
    "a++b",
    "a+?b",
    "\\p{L}+(?!\\S)",
    "\\s{2,}(?!\\S)",
    "[a[b]]+c",
    "(?:a+|b)",
    "(",
    ")",
    "a)",
    "[",
    "\\",
    "{2}",
    `${"(?:".repeat(50)}a${")".repeat(50)}`,
  ])("%s", (pattern) => {
    expect(checkLinearPattern(pattern)).toEqual(expect.stringMatching(/./));
  });
});

/** A backtracking matcher that counts its steps, as JavaScript's engine would take them. */
type Part = {
  readonly of: string | readonly (readonly Part[])[];
  readonly min: number;
  readonly max: number;
};
const write = (alternatives: readonly (readonly Part[])[]): string =>
  alternatives.map((parts) => parts.map(writePart).join("")).join("|");
const writePart = ({ of, min, max }: Part): string => {
  const atom = typeof of === "string" ? (of.length > 1 ? `[${of}]` : of) : `(?:${write(of)})`;
  if (min === 1 && max === 1) return atom;
  if (max === Number.POSITIVE_INFINITY) return `${atom}{${min},}`;
  return `${atom}{${min},${max}}`;
};
const countSteps = (alternatives: readonly (readonly Part[])[], text: string, limit: number): number => {
  let steps = 0;
  type Then = (at: number) => number;
  const step = () => {
    if (++steps > limit) throw new RangeError("too many steps");
  };
  const any = (choices: readonly (readonly Part[])[], at: number, then: Then): number => {
    for (const parts of choices) {
      const end = sequence(parts, 0, at, then);
      if (end >= 0) return end;
    }
    return -1;
  };
  const sequence = (parts: readonly Part[], index: number, at: number, then: Then): number => {
    const part = parts[index];
    step();
    if (!part) return then(at);
    if (typeof part.of === "string") {
      let end = at;
      while (end - at < part.max && end < text.length && part.of.includes(text[end] ?? "?")) {
        end++;
        step();
      }
      for (; end - at >= part.min; end--) {
        const found = sequence(parts, index + 1, end, then);
        if (found >= 0) return found;
      }
      return -1;
    }
    const { of, min, max } = part;
    const repeat = (times: number, here: number): number => {
      step();
      if (times < max) {
        const found = any(of, here, (end) => (end === here && times >= min ? -1 : repeat(times + 1, end)));
        if (found >= 0) return found;
      }
      return times >= min ? sequence(parts, index + 1, here, then) : -1;
    };
    return repeat(0, at);
  };
  for (let at = 0; at < text.length; ) {
    const end = any(alternatives, at, (end) => end);
    at = Math.max(at + 1, end);
  }
  return steps;
};

const quantity = fc.constantFrom(
  { min: 1, max: 1 },
  { min: 0, max: 1 },
  { min: 2, max: 3 },
  { min: 0, max: Number.POSITIVE_INFINITY },
  { min: 1, max: Number.POSITIVE_INFINITY },
);
const { alternatives } = fc.letrec<{ part: Part; alternatives: Part[][] }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 2 },
    fc
      .record({ of: fc.constantFrom("a", "b", "ab", "c"), quantity })
      .map(({ of, quantity }) => ({ of, ...quantity })),
    fc.record({ of: tie("alternatives"), quantity }).map(({ of, quantity }) => ({ of, ...quantity })),
  ),
  alternatives: fc.array(fc.array(tie("part"), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 3,
  }),
}));

test("every accepted pattern takes a bounded number of steps per character, on any text", () => {
  let taken = 0;
  fc.assert(
    fc.property(
      alternatives,
      fc.array(fc.constantFrom("a", "b", "ab", "aab", "c"), { minLength: 1, maxLength: 3 }),
      fc.constantFrom("", "c", "b"),
      (pattern, unit, end) => {
        if (checkLinearPattern(write(pattern)) !== undefined) return;
        taken++;
        const text = (length: number): string => unit.join("").repeat(length).slice(0, length) + end;
        const few = countSteps(pattern, text(150), 1e7);
        expect(countSteps(pattern, text(600), 1e7)).toBeLessThan(5 * few + 2_000);
      },
    ),
    { numRuns: 3_000 },
  );
  expect(taken).toBeGreaterThan(100);
});
