import { isMap, isNode, isPair, isScalar } from "yaml";
import type { z } from "zod";
import { findNearestName } from "./find-nearest-name.ts";
import { type FolderProblem, formatPath, ManifestInvalid } from "./folder-problem.ts";
import { Manifest } from "./manifest.ts";
import { listFields } from "./manifest-json-schema.ts";
import { parseCheckedManifest } from "./parse-checked-manifest.ts";
import {
  type LocatedProblem,
  type ParsedYaml as Parsed,
  parseYaml,
  findYamlPosition as place,
} from "./parse-yaml.ts";

const maxCharacters = 256 * 1_024;
const maxAliases = 50;
const maxProblems = 100;

type YamlPosition = ReturnType<typeof place>;

/** Where the value at a path stands, or the nearest thing around it that is there. */
const locatePath = (parsed: Parsed, path: readonly PropertyKey[]): YamlPosition => {
  for (let length = path.length; length >= 0; length--) {
    const node = parsed.document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return place(parsed, node.range[0]);
  }
  return { line: 1, column: 1 };
};

/** Where a key stands in the map at a path. */
const locateKey = (parsed: Parsed, path: readonly PropertyKey[], key: string): YamlPosition => {
  const map = path.length === 0 ? parsed.document.contents : parsed.document.getIn(path, true);
  const pair = isMap(map)
    ? map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key)
    : undefined;
  return pair && isScalar(pair.key) && pair.key.range
    ? place(parsed, pair.key.range[0])
    : locatePath(parsed, path);
};

const shorten = (name: string): string => (name.length > 64 ? `${name.slice(0, 64)}…` : name);

const explainUnknownKeys = (
  parsed: Parsed,
  path: readonly PropertyKey[],
  keys: readonly string[],
): LocatedProblem[] => {
  const known = listFields(path);
  return keys.map((key) => {
    const near = findNearestName(key, known);
    return {
      ...locateKey(parsed, path, key),
      path: formatPath([...path, shorten(key)]),
      message: `${shorten(key)} is no field here`,
      remedy: near ? `Did you mean ${near}?` : `Remove it; the fields here are ${known.join(", ")}.`,
    };
  });
};

/**
 * One issue of the schema as problems with places; a missing field is looked for at what should hold it.
 * @param most how many unknown keys are named: each is looked for among all and compared with each field
 */
const explainIssue = (parsed: Parsed, issue: z.core.$ZodIssue, most: number): LocatedProblem[] => {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") return explainUnknownKeys(parsed, path, issue.keys.slice(0, most));
  const missing = path.length > 0 && !parsed.document.hasIn(path);
  const at = { ...locatePath(parsed, path), path: formatPath(path) };
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
        : [{ ...at, message: "is none of the kinds that there are", remedy: `Write ${listKinds(path)}.` }];
    case "too_small":
      return [
        {
          ...at,
          message: `must be at least ${issue.minimum}${formatUnit(issue.origin)}`,
          remedy: "Raise it, or add what is missing.",
        },
      ];
    case "too_big":
      return [
        {
          ...at,
          message: `must be at most ${issue.maximum}${formatUnit(issue.origin)}`,
          remedy: "Lower it, or shorten it.",
        },
      ];
    default:
      return [{ ...at, message: issue.message, remedy: "Change it so that this holds." }];
  }
};

const formatUnit = (origin: string): string =>
  origin === "string" ? " characters" : origin === "array" ? " entries" : "";
const listKinds = (path: readonly PropertyKey[]): string =>
  path.at(-1) === "task" ? "classification or regression" : "integer, number, category, string or boolean";

/** At most 100 problems. What goes beyond them is not looked for: 100 inputs of 100 unknown keys took 14 s. */
const explainIssues = (parsed: Parsed, issues: readonly z.core.$ZodIssue[]): readonly LocatedProblem[] => {
  const found: LocatedProblem[] = [];
  for (const issue of issues) {
    if (found.length >= maxProblems) break;
    found.push(...explainIssue(parsed, issue, maxProblems - found.length));
  }
  return found;
};

const parseManifest = (
  text: string,
): { readonly manifest: Manifest } | { readonly problems: readonly LocatedProblem[] } => {
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
  const result = parseYaml(text, { maxAliases });
  if (result.status === "refused") return { problems: result.problems };
  const checked = Manifest.safeParse(result.value);
  return checked.success
    ? { manifest: checked.data }
    : { problems: explainIssues(result.parsed, checked.error.issues) };
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
  if (promoted) return parseCheckedManifest(typeof content === "string" ? content : decode(content));

  // Four bytes are the most that a character takes: what is larger need not become text.
  const text = typeof content === "string" ? content : decode(content.subarray(0, 4 * (maxCharacters + 1)));
  const result = parseManifest(text);
  if ("manifest" in result) return result.manifest;
  throw new ManifestInvalid(
    result.problems
      .map((found): FolderProblem => ({ severity: "error", file, ...found }))
      .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)),
  );
};
