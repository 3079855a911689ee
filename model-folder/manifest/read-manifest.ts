import { isMap, isNode, isPair, isScalar } from "yaml";
import type { z } from "zod";
import { findNearestName } from "./find-nearest-name.ts";
import { type FolderProblem, formatPath, ManifestInvalid } from "./folder-problem.ts";
import { taskScores } from "./list-measurable-scores.ts";
import { Manifest } from "./manifest.ts";
import { listFields } from "./manifest-json-schema.ts";
import { parseAlreadyCheckedManifest } from "./parse-already-checked-manifest.ts";
import { findYamlPosition, type LocatedProblem, type ParsedYaml, parseYaml } from "./parse-yaml.ts";

const maxCharacters = 256 * 1_024;
const maxAliases = 50;
const maxProblems = 100;

type YamlPosition = ReturnType<typeof findYamlPosition>;

/** Finds the position of the value at a path, or of its nearest existing parent. */
const locatePath = (parsed: ParsedYaml, path: readonly PropertyKey[]): YamlPosition => {
  for (let length = path.length; length >= 0; length--) {
    const node = parsed.document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return findYamlPosition(parsed, node.range[0]);
  }
  return { line: 1, column: 1 };
};

/** Finds the position of a key in the map at a path. */
const locateKey = (parsed: ParsedYaml, path: readonly PropertyKey[], key: string): YamlPosition => {
  const map = path.length === 0 ? parsed.document.contents : parsed.document.getIn(path, true);
  const pair = isMap(map)
    ? map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key)
    : undefined;
  return pair && isScalar(pair.key) && pair.key.range
    ? findYamlPosition(parsed, pair.key.range[0])
    : locatePath(parsed, path);
};

const shorten = (name: string): string => (name.length > 64 ? `${name.slice(0, 64)}…` : name);

const explainUnknownKeys = (
  parsed: ParsedYaml,
  path: readonly PropertyKey[],
  keys: readonly string[],
): LocatedProblem[] => {
  const known = listFields(path);
  return keys.map((key) => {
    const nearest = findNearestName(key, known);
    return {
      ...locateKey(parsed, path, key),
      path: formatPath([...path, shorten(key)]),
      message: "unknown field",
      remedy: nearest ? `Did you mean ${nearest}?` : `Remove it; the fields here are ${known.join(", ")}.`,
    };
  });
};

/**
 * Converts an issue of the schema to problems with positions; a missing field gets the position of its parent.
 * @param limit the most unknown keys to explain, because each is compared with every field
 */
const explainIssue = (parsed: ParsedYaml, issue: z.core.$ZodIssue, limit: number): LocatedProblem[] => {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") return explainUnknownKeys(parsed, path, issue.keys.slice(0, limit));
  const missing = path.length > 0 && !parsed.document.hasIn(path);
  const location = { ...locatePath(parsed, path), path: formatPath(path) };
  if (missing) {
    const field = String(path.at(-1));
    return [
      {
        ...location,
        message: `${field} is missing`,
        remedy: `Add ${field}${issue.code === "invalid_type" ? ` (${issue.expected})` : ""}.`,
      },
    ];
  }
  switch (issue.code) {
    case "invalid_type":
      return [
        {
          ...location,
          message: `must be of type ${issue.expected}`,
          remedy: "Change the value; quote it if it is text.",
        },
      ];
    case "invalid_value":
      return [
        {
          ...location,
          message: "is not an allowed value",
          remedy: `Write ${issue.values.map(String).join(" or ")}.`,
        },
      ];
    case "invalid_union": {
      // The value has the type of one form only: its own mistakes say more than "none of the forms".
      const [form, ...others] = issue.errors.filter(
        (inner) => !inner.some(({ code, path }) => code === "invalid_type" && path.length === 0),
      );
      if (form && others.length === 0)
        return form.flatMap((inner) =>
          explainIssue(parsed, { ...inner, path: [...path, ...inner.path] }, limit),
        );
      return issue.discriminator === undefined
        ? [
            {
              ...location,
              message: issue.message,
              remedy: "Use one of the forms in docs/model.schema.json.",
            },
          ]
        : [{ ...location, message: "is not an allowed kind", remedy: `Write ${listKinds(path)}.` }];
    }
    case "too_small":
      return [
        {
          ...location,
          message: `must be at least ${issue.minimum}${formatUnit(issue.origin)}`,
          remedy: "Raise it, or add what is missing.",
        },
      ];
    case "too_big":
      return [
        {
          ...location,
          message: `must be at most ${issue.maximum}${formatUnit(issue.origin)}`,
          remedy: "Lower it, or shorten it.",
        },
      ];
    default:
      return [{ ...location, message: issue.message, remedy: "Change the value." }];
  }
};

const joinWords = (words: readonly string[]): string => `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
const formatUnit = (origin: string): string =>
  origin === "string" ? " characters" : origin === "array" ? " entries" : "";
const listKinds = (path: readonly PropertyKey[]): string =>
  path.at(-1) === "task"
    ? joinWords(Object.keys(taskScores))
    : "integer, number, category, string or boolean";

/** Explains at most 100 problems and stops there: 100 inputs with 100 unknown keys each took 14 s. */
const explainIssues = (
  parsed: ParsedYaml,
  issues: readonly z.core.$ZodIssue[],
): readonly LocatedProblem[] => {
  const problems: LocatedProblem[] = [];
  for (const issue of issues) {
    if (problems.length >= maxProblems) break;
    problems.push(...explainIssue(parsed, issue, maxProblems - problems.length));
  }
  return problems;
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
          remedy: "Move data out of the manifest.",
        },
      ],
    };
  const result = parseYaml(text, { maxAliases });
  if (result.status === "refused") return { problems: result.problems };
  const validation = Manifest.safeParse(result.value);
  return validation.success
    ? { manifest: validation.data }
    : { problems: explainIssues(result.parsed, validation.error.issues) };
};

type Options = {
  readonly file?: string;
  /** True for a promoted version: today's limits do not apply to it. */
  readonly promoted?: boolean;
};
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * Reads model.yaml in time and memory proportional to its length. Throws ManifestInvalid with every mistake: line and
 * column (from 1), path, problem and remedy.
 */
export const readManifest = (
  content: string | Uint8Array,
  { file = "model.yaml", promoted = false }: Options = {},
): Manifest => {
  if (promoted) return parseAlreadyCheckedManifest(typeof content === "string" ? content : decode(content));

  // A character has at most four bytes: decode no more than the limit needs.
  const text = typeof content === "string" ? content : decode(content.subarray(0, 4 * (maxCharacters + 1)));
  const result = parseManifest(text);
  if ("manifest" in result) return result.manifest;
  throw new ManifestInvalid(
    result.problems
      .map((problem): FolderProblem => ({ severity: "error", file, ...problem }))
      .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)),
  );
};
