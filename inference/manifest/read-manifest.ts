import { isMap, isNode, isPair, isScalar, LineCounter, parseDocument, visit, type YAMLMap } from "yaml";
import type { z } from "zod";
import { checkedManifest } from "./checked-manifest.ts";
import { ManifestInvalid, type Problem, pathText } from "./folder-problem.ts";
import { Manifest } from "./manifest.ts";
import { fieldsAt } from "./manifest-schema.ts";
import { nearestName } from "./nearest-name.ts";

const maxCharacters = 256 * 1_024;
const maxAliases = 50;
const maxDepth = 32;
const maxProblems = 100;

type Parsed = { readonly document: ReturnType<typeof parseDocument>; readonly lines: LineCounter };
type Place = { readonly line?: number; readonly column?: number };

const place = ({ lines }: Parsed, offset: number | undefined): Place => {
  if (offset === undefined) return {};
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
};

/** Where the value at a path stands, or the nearest thing around it that is there. */
const locate = (parsed: Parsed, path: readonly PropertyKey[]): Place => {
  for (let length = path.length; length >= 0; length--) {
    const node = parsed.document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return place(parsed, node.range[0]);
  }
  return { line: 1, column: 1 };
};

/** Where a key stands in the map at a path. */
const locateKey = (parsed: Parsed, path: readonly PropertyKey[], key: string): Place => {
  const map = path.length === 0 ? parsed.document.contents : parsed.document.getIn(path, true);
  const pair = isMap(map)
    ? map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key)
    : undefined;
  return pair && isScalar(pair.key) && pair.key.range
    ? place(parsed, pair.key.range[0])
    : locate(parsed, path);
};

const shown = (name: string): string => (name.length > 64 ? `${name.slice(0, 64)}…` : name);

const unknownKeys = (parsed: Parsed, path: readonly PropertyKey[], keys: readonly string[]): Located[] =>
  // Thousands of keys, each looked for among all and compared with each field, would take seconds.
  keys.slice(0, maxProblems).map((key) => {
    const known = fieldsAt(path);
    const near = nearestName(key, known);
    return {
      ...locateKey(parsed, path, key),
      path: pathText([...path, shown(key)]),
      message: `${shown(key)} is no field here`,
      remedy: near ? `Did you mean ${near}?` : `Remove it; the fields here are ${known.join(", ")}.`,
    };
  });

type Located = Omit<Problem, "file" | "severity">;

/** One issue of the schema as problems with places; a missing field is looked for at what should hold it. */
const explain = (parsed: Parsed, issue: z.core.$ZodIssue): Located[] => {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") return unknownKeys(parsed, path, issue.keys);
  const missing = path.length > 0 && !parsed.document.hasIn(path);
  const at = { ...locate(parsed, path), path: pathText(path) };
  if (missing) {
    const field = String(path.at(-1));
    return [
      {
        ...at,
        message: `${field} is missing`,
        remedy: `Add ${field}${issue.code === "invalid_type" ? ` (${issue.expected})` : ""}.`,
      },
    ];
  }
  switch (issue.code) {
    case "invalid_type":
      return [
        {
          ...at,
          message: `must be of type ${issue.expected}`,
          remedy: "Change the value; quote it where it is meant as text.",
        },
      ];
    case "invalid_value":
      return [
        {
          ...at,
          message: "is none of the values that may stand here",
          remedy: `Write ${issue.values.map(String).join(" or ")}.`,
        },
      ];
    case "invalid_union":
      return issue.discriminator === undefined
        ? [
            {
              ...at,
              message: issue.message,
              remedy: "Change the value to one of the forms that docs/model.schema.json lists.",
            },
          ]
        : [{ ...at, message: "is none of the kinds that there are", remedy: `Write ${kinds(path)}.` }];
    case "too_small":
      return [
        {
          ...at,
          message: `must be at least ${issue.minimum}${unit(issue.origin)}`,
          remedy: "Raise it, or add what is missing.",
        },
      ];
    case "too_big":
      return [
        {
          ...at,
          message: `must be at most ${issue.maximum}${unit(issue.origin)}`,
          remedy: "Lower it, or shorten it.",
        },
      ];
    default:
      return [{ ...at, message: issue.message, remedy: "Change it so that this holds." }];
  }
};

const unit = (origin: string): string =>
  origin === "string" ? " characters" : origin === "array" ? " entries" : "";
const kinds = (path: readonly PropertyKey[]): string =>
  path.at(-1) === "task" ? "classification or regression" : "integer, number, category, string or boolean";

const duplicateKeys = (parsed: Parsed, { items }: YAMLMap): Located[] => {
  const seen = new Set<unknown>();
  const found: Located[] = [];
  for (const { key } of items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value) && found.length < maxProblems)
      found.push({
        ...place(parsed, key.range?.[0]),
        path: "",
        message: "this key stands twice",
        remedy: "Keep one of the two.",
      });
    seen.add(key.value);
  }
  return found;
};

/** What YAML itself finds wrong: syntax, duplicate keys, depth. */
const syntaxProblems = (parsed: Parsed): Located[] => {
  const found: Located[] = [...parsed.document.errors, ...parsed.document.warnings]
    .slice(0, maxProblems)
    .map((error) => ({
      ...place(parsed, error.pos[0]),
      path: "",
      message: (error.message.split("\n")[0] ?? "").replace(/ at line .*$/, ""),
      remedy: "Correct the YAML here.",
    }));
  let tooDeep: number | undefined;
  visit(parsed.document, {
    Node: (_, node, ancestors) => {
      if (ancestors.length > maxDepth * 2) {
        tooDeep = node.range?.[0] ?? 0;
        return visit.BREAK;
      }
      if (isMap(node)) found.push(...duplicateKeys(parsed, node));
      return undefined;
    },
  });
  if (tooDeep !== undefined)
    found.push({
      ...place(parsed, tooDeep),
      path: "",
      message: `nested deeper than ${maxDepth} levels`,
      remedy: "No field of a manifest lies that deep: flatten it.",
    });
  return found;
};

/** Text as plain values, or why not. Whatever the text holds, nothing else is thrown and little memory is used. */
const parse = (text: string): Parsed & { readonly problems: Located[]; readonly value: unknown } => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // The library compares each key with all before it: 20,000 keys took 17 s. duplicateKeys looks each up.
    uniqueKeys: false,
    strict: true,
    logLevel: "silent",
  });
  const parsed = { document, lines };
  const problems = syntaxProblems(parsed);
  if (problems.length > 0) return { ...parsed, problems, value: undefined };
  try {
    // Aliases of aliases multiply: the library counts and refuses them.
    return { ...parsed, problems, value: document.toJS({ maxAliasCount: maxAliases }) };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "cannot be read";
    return {
      ...parsed,
      problems: [{ line: 1, column: 1, path: "", message, remedy: "Write the values out without aliases." }],
      value: undefined,
    };
  }
};

const read = (text: string): { readonly manifest: Manifest } | { readonly problems: Located[] } => {
  if (text.length > maxCharacters)
    return {
      problems: [
        {
          line: 1,
          column: 1,
          path: "",
          message: `larger than ${maxCharacters / 1_024} KB`,
          remedy: "A manifest is a page of text: move data out of it.",
        },
      ],
    };
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(text);
  } catch (error) {
    // The parser is recursive: a file of a hundred thousand brackets ends its stack, not this process.
    if (!(error instanceof RangeError)) throw error;
    return {
      problems: [
        { line: 1, column: 1, path: "", message: "nested too deeply to be read", remedy: "Flatten it." },
      ],
    };
  }
  if (parsed.problems.length > 0) return { problems: parsed.problems };
  const checked = Manifest.safeParse(parsed.value);
  return checked.success
    ? { manifest: checked.data }
    : {
        problems: checked.error.issues
          .slice(0, maxProblems)
          .flatMap((issue) => explain(parsed, issue))
          .slice(0, maxProblems),
      };
};

type Options = {
  readonly file?: string;
  /** True for a version that was promoted: it is read whatever today's limits say. */
  readonly promoted?: boolean;
};
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * Reads model.yaml, in time and memory that grow with its length. Throws ManifestInvalid with every mistake: its line and column (from 1), its path, what is wrong
 * and what to do.
 */
export const readManifest = (
  content: string | Uint8Array,
  { file = "model.yaml", promoted = false }: Options = {},
): Manifest => {
  if (promoted) return checkedManifest(typeof content === "string" ? content : decode(content));

  // Four bytes are the most that a character takes: what is larger need not become text.
  const text = typeof content === "string" ? content : decode(content.subarray(0, 4 * (maxCharacters + 1)));
  const result = read(text);
  if ("manifest" in result) return result.manifest;
  throw new ManifestInvalid(
    result.problems
      .map((found): Problem => ({ severity: "error", file, ...found }))
      .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)),
  );
};
