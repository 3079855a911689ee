/**
 * Why a pattern might not run in linear time; undefined where it is proven that it does.
 *
 * JavaScript's engine backtracks, and no engine that does not (RE2, Rust's regex) has the look-ahead that tokenizers
 * use; a search from each place of a text is quadratic on those as well, where a match is looked for behind a long run.
 * So this is a proof about the pattern. It holds for alternatives of this form, which nearly all tokenizers keep to:
 *
 *   bounded parts, then at most one run of one class without an upper bound, then only parts that may be absent
 *
 * - Bounded parts match in a number of ways that depends on the pattern alone (at most `maxWays`), of a bounded length.
 * - A run either has fewer characters than it needs, which is seen in a bounded number of steps, or succeeds; behind it
 *   nothing can fail, so that it is never given back. Its steps are the characters that it takes.
 * - So each place of a text costs a bounded number of steps, and beyond them as many as the match takes characters,
 *   from whose end the search goes on. The sum is linear in the text.
 * - `\s+(?!\S)` is of this form too: at the run's end the look-ahead fails unless the text ends there, one character
 *   before it succeeds.
 *
 * Whole patterns that are well known and linear for a reason of their own stand in `known` below.
 */
export const checkLinearPattern = (pattern: string): string | undefined => {
  if (knownPatterns.has(pattern)) return undefined;
  if (pattern.length > 10_000) return "it is longer than 10,000 characters";
  try {
    // The library reads this class of BLOOM's, written in no dialect, as one class; so does this proof.
    const plain = pattern.replace(/\[\^\(\\s\|\[([^\][]+)\]\)\]/g, "[^()|\\s$1]");
    const { alternatives, end } = readAlternatives(plain, 0, 0);
    if (end !== plain.length) return "it closes a group that it did not open";
    for (const alternative of alternatives) {
      const why = checkBounded(alternative);
      if (why) return why;
    }
    return undefined;
  } catch (error) {
    if (error instanceof UnsupportedPattern) return error.message;
    throw error;
  }
};

/**
 * Llama 3, Qwen 2 and GPT-4's patterns have `\s*[\r\n]+` before `\s+(?!\S)|\s+`: white space is taken, given back to its last
 * line break or wholly, and in the second case taken at once by what follows; each character of it is looked at three
 * times at most. GPT-4o's words have capitals before small letters, `A*B+`, before `A+B*`: a run of capitals alone is taken,
 * given back, and taken by the second.
 */
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const spaces = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const buildWordsPattern = (numbers: string): string =>
  `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;
const casedWordsPattern = `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${contractions}?|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${contractions}?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;
const knownPatterns: ReadonlySet<string> = new Set([
  buildWordsPattern("\\p{N}{1,3}"),
  buildWordsPattern("\\p{N}"),
  buildWordsPattern("\\p{N}+"),
  casedWordsPattern,
]);

/** The most ways in which the bounded parts of an alternative may match at one place. */
const maxWays = 2_000;
const maxDepth = 10;

type Part = {
  /** One character of a class, a place between characters, or a group. */
  readonly kind: "class" | "place" | Alternatives;
  readonly min: number;
  readonly max: number;
  /** As it is written, its quantifier left out. */
  readonly text: string;
};
type Alternatives = readonly (readonly Part[])[];

class UnsupportedPattern extends Error {}
const refuse = (why: string): never => {
  throw new UnsupportedPattern(why);
};

/** In how many ways an alternative without an unbounded run can match at one place, and the characters that it reads. */
const countWays = (parts: readonly Part[]): number =>
  parts.reduce((product, part) => {
    const once =
      typeof part.kind === "string" ? 1 : part.kind.reduce((sum, parts) => sum + countWays(parts), 0);
    let ways = 0;
    for (let times = part.min; times <= part.max && ways <= maxWays; times++)
      ways += Math.max(1, Math.min(maxWays + 1, once ** times));
    // A part of a thousand characters is read as often as it is long.
    return Math.min(product * ways * Math.max(1, part.min / 100), maxWays + 1);
  }, 1);

const isUnbounded = (part: Part): boolean =>
  part.max === Number.POSITIVE_INFINITY ||
  (typeof part.kind !== "string" && part.kind.some((parts) => parts.some(isUnbounded)));

const checkBounded = (parts: readonly Part[]): string | undefined => {
  const first = parts.findIndex(isUnbounded);
  const bounded = first < 0 ? parts : parts.slice(0, first);
  if (countWays(bounded) > maxWays) return "its bounded parts can match in too many ways";
  const run = parts[first];
  if (!run) return undefined;
  if (run.kind !== "class") return "a group in it repeats without bound, or holds what does";
  const rest = parts.slice(first + 1);
  const [next] = rest;
  if (rest.length === 1 && run.text === "\\s" && run.min === 1 && next?.text === "(?!\\S)") return undefined;
  for (const part of rest) {
    if (part.min > 0)
      return `${part.text.slice(0, 40)} stands behind what repeats without bound, and may be missing there`;
    if (part.kind !== "class" && isUnbounded(part))
      return "a group in it repeats without bound, or holds what does";
  }
  return countWays(rest.filter((part) => !isUnbounded(part))) > maxWays
    ? "its bounded parts can match in too many ways"
    : undefined;
};

/** Of a class, where it ends; it may hold no other class. */
const findClassEnd = (pattern: string, start: number): number => {
  let at = start + 1;
  if (pattern[at] === "^") at++;
  if (pattern[at] === "]") refuse("it has an empty class");
  while (at < pattern.length && pattern[at] !== "]") {
    if (pattern[at] === "[") refuse("it has a class within a class");
    if (pattern.startsWith("&&", at)) refuse("it intersects classes");
    at += pattern[at] === "\\" ? readEscapeLength(pattern, at) : 1;
  }
  if (at >= pattern.length) refuse("it does not close a class");
  return at + 1;
};

const readEscapeLength = (pattern: string, at: number): number => {
  const found =
    /^\\(?:[pP]\{\^?[A-Za-z_ =]{1,60}\}|x\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[sSdDwWrntfv]|[^A-Za-z0-9])/u.exec(
      pattern.slice(at, at + 80),
    );
  return found
    ? found[0].length
    : refuse(`it has ${pattern.slice(at, at + 2)}, which this proof does not know`);
};

/** One part without its quantifier. */
const readAtom = (pattern: string, at: number, depth: number): { kind: Part["kind"]; end: number } => {
  const char = pattern[at] ?? "";
  if (pattern.startsWith("(?!\\S)", at)) return { kind: "place", end: at + 6 };
  if (char === "(") {
    const opening = /^\((?:\?:|\?i:|(?!\?))/.exec(pattern.slice(at, at + 4))?.[0];
    if (opening === undefined)
      return refuse(
        `it has a group of the kind ${pattern.slice(at, at + 4)}, which this proof does not know`,
      );
    const { alternatives, end } = readAlternatives(pattern, at + opening.length, depth + 1);
    if (pattern[end] !== ")") refuse("it does not close a group");
    return { kind: alternatives, end: end + 1 };
  }
  if (char === "[") return { kind: "class", end: findClassEnd(pattern, at) };
  if (char === "^" || char === "$") return { kind: "place", end: at + 1 };
  if (/^\\[bBAzZ]/.test(pattern.slice(at, at + 2))) return { kind: "place", end: at + 2 };
  if (char === "\\") return { kind: "class", end: at + readEscapeLength(pattern, at) };
  if (/[*+?{]/.test(char)) return refuse("a quantifier stands where nothing is to repeat");
  // A character beyond the first 65,536 is two units of a string, and one character of a pattern.
  return { kind: "class", end: at + String.fromCodePoint(pattern.codePointAt(at) ?? 0).length };
};

const readQuantifier = (pattern: string, at: number): { min: number; max: number; end: number } => {
  const found = /^(?:[*+?]|\{(\d{1,4})(,(\d{1,4})?)?\})/.exec(pattern.slice(at, at + 12));
  if (!found) return { min: 1, max: 1, end: at };
  const end = at + found[0].length;
  if (/[*+?{]/.test(pattern[end] ?? "")) refuse("it has a quantifier that is lazy, possessive or repeated");
  const [text, low, comma, high] = found;
  if (text === "*") return { min: 0, max: Number.POSITIVE_INFINITY, end };
  if (text === "+") return { min: 1, max: Number.POSITIVE_INFINITY, end };
  if (text === "?") return { min: 0, max: 1, end };
  const min = Number(low);
  return {
    min,
    max: comma === undefined ? min : high === undefined ? Number.POSITIVE_INFINITY : Number(high),
    end,
  };
};

const readAlternatives = (
  pattern: string,
  start: number,
  depth: number,
): { readonly alternatives: Alternatives; readonly end: number } => {
  if (depth > maxDepth) refuse("its groups are nested too deeply");
  const alternatives: Part[][] = [[]];
  let at = start;
  while (at < pattern.length && pattern[at] !== ")") {
    if (pattern[at] === "|") {
      alternatives.push([]);
      at++;
      continue;
    }
    const { kind, end } = readAtom(pattern, at, depth);
    const { min, max, end: next } = readQuantifier(pattern, end);
    alternatives.at(-1)?.push({ kind, min, max, text: pattern.slice(at, end) });
    at = next;
  }
  return { alternatives, end: at };
};
