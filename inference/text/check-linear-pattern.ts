/**
 * Proves that a pattern runs in linear time; returns undefined, or the reason why there is no proof.
 *
 * Oniguruma, on which the reference implementation runs patterns, backtracks. Engines that do not (RE2, Rust's regex) have no look-ahead, which tokenizers need, and
 * their search from every position can be quadratic too, after a long run without a match. So this proof is about the
 * pattern itself. It covers alternatives of this form, which nearly all tokenizers use:
 *
 *   bounded parts, then at most one run of one class without an upper bound, then only parts that may be absent
 *
 * - The bounded parts can match in a number of ways that depends only on the pattern (at most `maxWays`), with a bounded
 *   length.
 * - A run either has too few characters, which takes a bounded number of steps to detect, or it succeeds. Nothing after it
 *   can fail, so it never backtracks. It takes one step per character.
 * - So each position of a text costs a bounded number of steps plus the length of its match, and the search continues at
 *   the end of the match. The sum is linear in the text.
 * - `\s+(?!\S)` has this form too: at the end of the run the look-ahead fails unless the text ends, and one character
 *   before that it succeeds.
 *
 * Well-known patterns that are linear for other reasons are in `knownPatterns`.
 */
export const checkLinearPattern = (pattern: string): string | undefined => {
  if (knownPatterns.has(pattern)) return undefined;
  if (pattern.length > 10_000) return "it is longer than 10,000 characters";
  try {
    // BLOOM's tokenizer has a class in a class, which is linear as one class is.
    const plain = pattern.replace(/\[\^\(\\s\|\[([^\][]+)\]\)\]/g, "[^()|\\s$1]");
    const { alternatives, end } = readAlternatives(plain, 0, 0);
    if (end !== plain.length) return "it closes a group that is not open";
    for (const alternative of alternatives) {
      const reason = checkBounded(alternative);
      if (reason) return reason;
    }
    return undefined;
  } catch (error) {
    if (error instanceof UnsupportedPattern) return error.message;
    throw error;
  }
};

/**
 * The patterns of Llama 3, Qwen 2 and GPT-4 have `\s*[\r\n]+` before `\s+(?!\S)|\s+`: the first part matches white space and
 * backtracks to its last line break, or completely, and then the next part matches all of it. So each character is read at
 * most three times. GPT-4o's words have `A*B+` (capitals, then small letters) before `A+B*`: a run of capitals only is
 * matched, backtracked, and matched by the second part.
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

/** The most ways in which the bounded parts of an alternative may match at one position. */
const maxWays = 2_000;
const maxDepth = 10;

type Part = {
  /** One character of a class, a position between characters, or a group. */
  readonly kind: "class" | "position" | Alternatives;
  readonly min: number;
  readonly max: number;
  /** Its source without the quantifier. */
  readonly text: string;
};
type Alternatives = readonly (readonly Part[])[];

class UnsupportedPattern extends Error {}
const refuse = (reason: string): never => {
  throw new UnsupportedPattern(reason);
};

/** Counts the ways in which an alternative without an unbounded run can match at one position, weighted by its length. */
const countWays = (parts: readonly Part[]): number =>
  parts.reduce((product, part) => {
    const waysOnce =
      typeof part.kind === "string" ? 1 : part.kind.reduce((sum, parts) => sum + countWays(parts), 0);
    let ways = 0;
    for (let times = part.min; times <= part.max && ways <= maxWays; times++)
      ways += Math.max(1, Math.min(maxWays + 1, waysOnce ** times));
    // A part with a thousand repetitions reads a thousand characters.
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
  if (run.kind !== "class") return "a group repeats without bound, or contains an unbounded repetition";
  const rest = parts.slice(first + 1);
  const [next] = rest;
  if (rest.length === 1 && run.text === "\\s" && run.min === 1 && next?.text === "(?!\\S)") return undefined;
  for (const part of rest) {
    if (part.min > 0) return `${part.text.slice(0, 40)} follows an unbounded repetition and must match`;
    if (part.kind !== "class" && isUnbounded(part))
      return "a group repeats without bound, or contains an unbounded repetition";
  }
  return countWays(rest.filter((part) => !isUnbounded(part))) > maxWays
    ? "its bounded parts can match in too many ways"
    : undefined;
};

/** Returns the end of a class; refuses nested classes. */
const findClassEnd = (pattern: string, start: number): number => {
  let offset = start + 1;
  if (pattern[offset] === "^") offset++;
  if (pattern[offset] === "]") refuse("it has an empty class");
  while (offset < pattern.length && pattern[offset] !== "]") {
    if (pattern[offset] === "[") refuse("it has a class inside a class");
    if (pattern.startsWith("&&", offset)) refuse("it intersects classes");
    offset += pattern[offset] === "\\" ? readEscapeLength(pattern, offset) : 1;
  }
  if (offset >= pattern.length) refuse("it does not close a class");
  return offset + 1;
};

const readEscapeLength = (pattern: string, start: number): number => {
  const match =
    /^\\(?:[pP]\{\^?[A-Za-z_ =]{1,60}\}|x\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[sSdDwWrntfv]|[^A-Za-z0-9])/u.exec(
      pattern.slice(start, start + 80),
    );
  return match
    ? match[0].length
    : refuse(`it has ${pattern.slice(start, start + 2)}, which this proof does not support`);
};

/** Reads one part without its quantifier. */
const readAtom = (pattern: string, start: number, depth: number): { kind: Part["kind"]; end: number } => {
  const character = pattern[start] ?? "";
  if (pattern.startsWith("(?!\\S)", start)) return { kind: "position", end: start + 6 };
  if (character === "(") {
    const opening = /^\((?:\?:|\?i:|(?!\?))/.exec(pattern.slice(start, start + 4))?.[0];
    if (opening === undefined)
      return refuse(
        `it has a group of the kind ${pattern.slice(start, start + 4)}, which this proof does not support`,
      );
    const { alternatives, end } = readAlternatives(pattern, start + opening.length, depth + 1);
    if (pattern[end] !== ")") refuse("it does not close a group");
    return { kind: alternatives, end: end + 1 };
  }
  if (character === "[") return { kind: "class", end: findClassEnd(pattern, start) };
  if (character === "^" || character === "$") return { kind: "position", end: start + 1 };
  if (/^\\[bBAzZ]/.test(pattern.slice(start, start + 2))) return { kind: "position", end: start + 2 };
  if (character === "\\") return { kind: "class", end: start + readEscapeLength(pattern, start) };
  if (/[*+?{]/.test(character)) return refuse("it has a quantifier without anything to repeat");
  // A character above U+FFFF is two units of a string but one character of a pattern.
  return { kind: "class", end: start + String.fromCodePoint(pattern.codePointAt(start) ?? 0).length };
};

const readQuantifier = (pattern: string, start: number): { min: number; max: number; end: number } => {
  const match = /^(?:[*+?]|\{(\d{1,4})(,(\d{1,4})?)?\})/.exec(pattern.slice(start, start + 12));
  if (!match) return { min: 1, max: 1, end: start };
  const end = start + match[0].length;
  if (/[*+?{]/.test(pattern[end] ?? "")) refuse("it has a quantifier that is lazy, possessive or repeated");
  const [text, low, comma, high] = match;
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
  let offset = start;
  while (offset < pattern.length && pattern[offset] !== ")") {
    if (pattern[offset] === "|") {
      alternatives.push([]);
      offset++;
      continue;
    }
    const { kind, end } = readAtom(pattern, offset, depth);
    const { min, max, end: next } = readQuantifier(pattern, end);
    alternatives.at(-1)?.push({ kind, min, max, text: pattern.slice(offset, end) });
    offset = next;
  }
  return { alternatives, end: offset };
};
