import {
  Composer,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  Parser,
  visit,
  type YAMLMap,
} from "yaml";
import type { FolderProblem } from "./folder-problem.ts";

export type LocatedProblem = Omit<FolderProblem, "file" | "severity">;
export type ParsedYaml = {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
};
type OptionalPosition = { readonly line?: number; readonly column?: number };

const maxProblems = 100;
const maxDepth = 32;

/** Where a character stands. */
export const findYamlPosition = (
  { lines }: Pick<ParsedYaml, "lines">,
  offset: number | undefined,
): OptionalPosition => {
  if (offset === undefined) return {};
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
};

/**
 * What the marks of YAML cost the parser, by their character: no value, pair, comment, error or document comes to be
 * without one. A quote is half of a value. The last group makes the most work and is rare in what people write.
 */
const markCosts = new Uint8Array(128);
for (const [marks, cost] of [
  ["\"'", 1],
  ["\n\r,:[]{}#", 2],
  ["\t!&*?|>%@`\\", 5],
] as const)
  for (const mark of marks) markCosts[mark.charCodeAt(0)] = cost;
const hyphen = "-".charCodeAt(0);
const space = " ".charCodeAt(0);
const newline = "\n".charCodeAt(0);

/**
 * Enough for 2,000 inputs with each of their fields (60,000), or for two inputs of 10,000 quoted values each (80,000):
 * `model-folder/manifest/read-manifest.test.ts`. 256 KB of marks alone would hold this process for seconds.
 */
const maxCost = 100_000;

/** One look at each character, before anything is parsed: where the marks become too many. */
const findCostProblem = (text: string): LocatedProblem | undefined => {
  let cost = 0;
  let line = 1;
  let lineStart = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // A hyphen begins an entry where a space follows; elsewhere it is a letter of a date or a negative number.
    if (code === hyphen) cost += text.charCodeAt(at + 1) > space ? 0 : 2;
    else if (code < 128) cost += markCosts[code] ?? 0;
    if (cost > maxCost)
      return {
        line,
        column: at - lineStart + 1,
        path: "",
        message: "more values, lists and lines than are read",
        remedy: "Remove what no field needs; an input with thousands of values is text (type: string).",
      };
    if (code !== newline) continue;
    line++;
    lineStart = at + 1;
  }
  return undefined;
};

/** The first document of a text. Ends early where it has many errors, or where a second document begins. */
const compose = (text: string, lines: LineCounter): { document: Document.Parsed; second?: number } => {
  const composer = new Composer({
    prettyErrors: false,
    // The library compares each key with all before it: 20,000 keys took 17 s. findDuplicateKeys looks each up.
    uniqueKeys: false,
    strict: true,
    logLevel: "silent",
  });
  const documents: Document.Parsed[] = [];
  let errors = 0;
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    if (token.type === "error" && ++errors > maxProblems) break;
    documents.push(...composer.next(token));
    if (documents.length > 1) break;
  }
  documents.push(...composer.end(true, text.length));
  const [document, second] = documents;
  if (document === undefined) throw new Error("a composer that ends gives a document");
  return { document, ...(second === undefined ? {} : { second: second.range[0] }) };
};

/**
 * What `work` gives, its errors without stacks. The library makes an error of each mistake and throws none: the stacks of
 * 50,000, which nobody reads, took most of two seconds.
 */
const withoutStacks = <T>(work: () => T): T => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
};

const findDuplicateKeys = (parsed: ParsedYaml, { items }: YAMLMap): LocatedProblem[] => {
  const seen = new Set<unknown>();
  const found: LocatedProblem[] = [];
  for (const { key } of items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value) && found.length < maxProblems)
      found.push({
        ...findYamlPosition(parsed, key.range?.[0]),
        path: "",
        message: "this key stands twice",
        remedy: "Keep one of the two.",
      });
    seen.add(key.value);
  }
  return found;
};

/** What YAML itself finds wrong: syntax, duplicate keys, depth, aliases. */
const findSyntaxProblems = (
  parsed: ParsedYaml,
  second: number | undefined,
  maxAliases: number,
): LocatedProblem[] => {
  const { document } = parsed;
  const found: LocatedProblem[] = [...document.errors, ...document.warnings]
    .slice(0, maxProblems)
    .map((error) => ({
      ...findYamlPosition(parsed, error.pos[0]),
      path: "",
      message: (error.message.split("\n")[0] ?? "").replace(/ at line .*$/, ""),
      remedy: "Correct the YAML here.",
    }));
  const say = (offset: number | undefined, message: string, remedy: string) =>
    found.push({ ...findYamlPosition(parsed, offset), path: "", message, remedy });
  if (second !== undefined)
    say(second, "a second document begins here", "Keep one: remove the lines --- and ... within the file.");
  let aliases = 0;
  visit(document, {
    Node: (key, node, ancestors) => {
      const offset = node.range?.[0] ?? 0;
      if (ancestors.length > maxDepth * 2) {
        say(offset, `nested deeper than ${maxDepth} levels`, "No field lies that deep: flatten it.");
        return visit.BREAK;
      }
      // To resolve an alias the library walks over every anchor and alias before it.
      if ((isAlias(node) || node.anchor !== undefined) && ++aliases > maxAliases) {
        say(
          offset,
          maxAliases === 0 ? "an anchor or an alias" : `more than ${maxAliases} anchors and aliases`,
          "Write the values out without aliases.",
        );
        return visit.BREAK;
      }
      // Each is written as text, with a walk over every anchor, to become a property's name.
      if (key === "key" && isCollection(node)) {
        say(offset, "a list or a mapping as a key", "A key is a name: write it as text.");
        return visit.BREAK;
      }
      if (isMap(node)) found.push(...findDuplicateKeys(parsed, node).slice(0, maxProblems - found.length));
      return undefined;
    },
  });
  return found;
};

type YamlResult =
  | { readonly status: "read"; readonly parsed: ParsedYaml; readonly value: unknown }
  | { readonly status: "refused"; readonly problems: readonly LocatedProblem[] };

const refuseYaml = (message: string, remedy: string): YamlResult => ({
  status: "refused",
  problems: [{ line: 1, column: 1, path: "", message, remedy }],
});

/**
 * A text that others wrote as plain values, or why not: in time and memory in proportion to its length, which the caller
 * limits. It is read in the process that serves prod where everything runs on one machine. Throws nothing.
 * @param maxAliases the most anchors and aliases together
 */
export const parseYaml = (text: string, { maxAliases }: { readonly maxAliases: number }): YamlResult => {
  const many = findCostProblem(text);
  if (many) return { status: "refused", problems: [many] };
  try {
    const lines = new LineCounter();
    const { document, second } = withoutStacks(() => compose(text, lines));
    const parsed = { document, lines };
    const problems = findSyntaxProblems(parsed, second, maxAliases);
    if (problems.length > 0) return { status: "refused", problems };
    // Aliases of aliases multiply: the library counts and refuses them.
    return { status: "read", parsed, value: document.toJS({ maxAliasCount: maxAliases }) };
  } catch (error) {
    // The parser is recursive: a file of a hundred thousand brackets ends its stack, not this process.
    if (error instanceof RangeError) return refuseYaml("nested too deeply to be read", "Flatten it.");
    // An alias of nothing, or of too much.
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "cannot be read";
    return refuseYaml(message, "Write the values out without aliases.");
  }
};
