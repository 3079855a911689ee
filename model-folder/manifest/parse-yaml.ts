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

export const findYamlPosition = (
  { lines }: Pick<ParsedYaml, "lines">,
  offset: number | undefined,
): OptionalPosition => {
  if (offset === undefined) return {};
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
};

/**
 * The cost of YAML's special characters for the parser. Every value, pair, comment, error and document needs at least one
 * of them. A quote is half a value. The last group costs most and is rare in real manifests.
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
 * Enough for 2,000 inputs with all their fields (60,000), or for two inputs of 10,000 quoted values each (80,000); see
 * `model-folder/manifest/read-manifest.test.ts`. Parsing 256 KB of special characters would block this process for seconds.
 */
const maxCost = 100_000;

/** Scans the text once, before it is parsed, and refuses it where its cost exceeds the limit. */
const findCostProblem = (text: string): LocatedProblem | undefined => {
  let cost = 0;
  let line = 1;
  let lineStart = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // A hyphen starts a list entry only before a space; elsewhere it belongs to a date or a negative number.
    if (code === hyphen) cost += text.charCodeAt(index + 1) > space ? 0 : 2;
    else if (code < 128) cost += markCosts[code] ?? 0;
    if (cost > maxCost)
      return {
        line,
        column: index - lineStart + 1,
        path: "",
        message: "too many values, lists and lines",
        remedy: "Remove what no field needs; use type: string for an input with thousands of values.",
      };
    if (code !== newline) continue;
    line++;
    lineStart = index + 1;
  }
  return undefined;
};

/** Parses the first document of a text. Stops early after many errors, or where a second document begins. */
const compose = (text: string, lines: LineCounter): { document: Document.Parsed; second?: number } => {
  const composer = new Composer({
    prettyErrors: false,
    // The library compares each key with all previous ones: 20,000 keys took 17 s. findDuplicateKeys uses a set.
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
  if (document === undefined) throw new Error("the YAML composer returned no document");
  return { document, ...(second === undefined ? {} : { second: second.range[0] }) };
};

/**
 * Runs `work` with errors that have no stack. The library creates an error for each mistake but throws none: the unused
 * stacks of 50,000 errors took most of two seconds.
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
  const problems: LocatedProblem[] = [];
  for (const { key } of items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value) && problems.length < maxProblems)
      problems.push({
        ...findYamlPosition(parsed, key.range?.[0]),
        path: "",
        message: "duplicate key",
        remedy: "Keep one of the two.",
      });
    seen.add(key.value);
  }
  return problems;
};

/** Finds problems of the YAML itself: syntax, duplicate keys, depth, aliases. */
const findSyntaxProblems = (
  parsed: ParsedYaml,
  second: number | undefined,
  maxAliases: number,
): LocatedProblem[] => {
  const { document } = parsed;
  const problems: LocatedProblem[] = [...document.errors, ...document.warnings]
    .slice(0, maxProblems)
    .map((error) => ({
      ...findYamlPosition(parsed, error.pos[0]),
      path: "",
      message: (error.message.split("\n")[0] ?? "").replace(/ at line .*$/, ""),
      remedy: "Correct the YAML here.",
    }));
  const addProblem = (offset: number | undefined, message: string, remedy: string) =>
    problems.push({ ...findYamlPosition(parsed, offset), path: "", message, remedy });
  if (second !== undefined)
    addProblem(
      second,
      "a second document begins here",
      "Keep one: remove the lines --- and ... inside the file.",
    );
  let aliases = 0;
  visit(document, {
    Node: (key, node, ancestors) => {
      const offset = node.range?.[0] ?? 0;
      if (ancestors.length > maxDepth * 2) {
        addProblem(offset, `nested deeper than ${maxDepth} levels`, "No field is that deep: flatten it.");
        return visit.BREAK;
      }
      // To resolve an alias the library visits every previous anchor and alias.
      if ((isAlias(node) || node.anchor !== undefined) && ++aliases > maxAliases) {
        addProblem(
          offset,
          maxAliases === 0 ? "an anchor or an alias" : `more than ${maxAliases} anchors and aliases`,
          "Write the values without aliases.",
        );
        return visit.BREAK;
      }
      // The library visits every anchor to convert such a key to text.
      if (key === "key" && isCollection(node)) {
        addProblem(offset, "a list or a mapping as a key", "A key is a name: write it as text.");
        return visit.BREAK;
      }
      if (isMap(node))
        problems.push(...findDuplicateKeys(parsed, node).slice(0, maxProblems - problems.length));
      return undefined;
    },
  });
  return problems;
};

type YamlResult =
  | { readonly status: "read"; readonly parsed: ParsedYaml; readonly value: unknown }
  | { readonly status: "refused"; readonly problems: readonly LocatedProblem[] };

const refuseYaml = (message: string, remedy: string): YamlResult => ({
  status: "refused",
  problems: [{ line: 1, column: 1, path: "", message, remedy }],
});

/**
 * Parses untrusted YAML to plain values, or says why it is refused. Time and memory are proportional to its length, which
 * the caller limits: if everything runs on one machine, the process that serves prod parses it. Never throws.
 * @param maxAliases the limit for anchors and aliases together
 */
export const parseYaml = (text: string, { maxAliases }: { readonly maxAliases: number }): YamlResult => {
  const costProblem = findCostProblem(text);
  if (costProblem) return { status: "refused", problems: [costProblem] };
  try {
    const lines = new LineCounter();
    const { document, second } = withoutStacks(() => compose(text, lines));
    const parsed = { document, lines };
    const problems = findSyntaxProblems(parsed, second, maxAliases);
    if (problems.length > 0) return { status: "refused", problems };
    // Nested aliases multiply: the library counts and refuses them.
    return { status: "read", parsed, value: document.toJS({ maxAliasCount: maxAliases }) };
  } catch (error) {
    // The parser is recursive: a hundred thousand brackets overflow its stack.
    if (error instanceof RangeError) return refuseYaml("nested too deeply", "Flatten it.");
    // An alias without an anchor, or one that expands too far.
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "cannot be read";
    return refuseYaml(message, "Write the values without aliases.");
  }
};
