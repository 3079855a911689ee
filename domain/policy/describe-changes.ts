import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Source, SourceLink } from "#platform/source/source.ts";
import { describeChangedFiles, holdoutFile } from "./describe-changed-files.ts";
import { groupPrivilegedChanges } from "./privileged-paths.ts";
import type { RulesInForce } from "./rules-in-force.ts";

type TokenizerManifest = Pick<Manifest, "tokenizer">;

/** Committers choose the names: keep them on one line, and too short to push others out of the message. */
const clipLine = (text: string, limit: number): string => {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
};

const listTokenizerPaths = (
  model: string,
  manifests: readonly (TokenizerManifest | undefined)[],
): ReadonlySet<string> =>
  new Set(
    manifests.flatMap((manifest) =>
      manifest?.tokenizer ? [`models/${model}/${manifest.tokenizer.file}`] : [],
    ),
  );

const findTokenizerId = (
  manifest: TokenizerManifest | undefined,
  fileIds: ReadonlyMap<string, string>,
): string | undefined => manifest?.tokenizer && fileIds.get(manifest.tokenizer.file);

/** As many files as fit, then the number of the others. */
const listFiles = (kind: string, paths: readonly string[]): string => {
  const [first = "", ...others] = paths.slice(0, 3).map((path) => clipLine(path, 100));
  const shown = [first];
  for (const path of others) if ([...shown, path].join(", ").length <= 120) shown.push(path);
  const hidden = paths.length - shown.length;
  return `${kind}: ${shown.join(", ")}${hidden > 0 ? ` and ${hidden} more` : ""}`;
};

/** A message escapes these characters: a committer must not gain space by them. */
const countShown = (text: string): number => text.replace(/[&<>]/g, "&amp;").length;

/** The first rules, and as many of the others as fit into this many characters of the message. */
const shownRules = 500;

/** Splits rules into those that the first line shows, and the others. */
const splitRules = (rules: readonly string[]): readonly [readonly string[], readonly string[]] => {
  let used = 0;
  const end = rules.findIndex((rule, index) => {
    used += countShown(rule) + 2;
    return index > 0 && used > shownRules;
  });
  return end === -1 ? [rules, []] : [rules.slice(0, end), rules.slice(end)];
};

/** A line of rules; none where there are none. */
const listRules = (title: string, rules: readonly string[]): readonly string[] =>
  rules.length === 0 ? [] : [`${title}: ${rules.join("; ")}`];

/** What a commit changes beside its model, and where a person sees the whole difference. */
type Changes = {
  /** The most important first, because the message only shows as many as fit. */
  readonly warnings: readonly string[];
  /** New truth and golden vectors: every retraining brings them. */
  readonly renewed: readonly string[];
  /** Null: nothing serves prod yet. */
  readonly diff: SourceLink | null;
};

/**
 * The warnings for the approver: the number of loosened rules and the rules themselves, as many as leave room for every kind
 * of privileged change (without file names), which follows. Lines whose length the committer can choose come last: the other
 * loosened rules, then the tightened ones, then the file names.
 * @param championCommit the commit that prod serves; undefined: there is nothing to compare with
 */
export const describeChanges =
  ({ source }: { readonly source: Source }) =>
  async ({
    model,
    commit,
    championCommit,
    champion,
    challenger,
    rules,
  }: {
    readonly model: string;
    readonly commit: string;
    readonly championCommit: string | undefined;
    readonly champion: TokenizerManifest | undefined;
    readonly challenger: TokenizerManifest;
    readonly rules: Pick<RulesInForce, "loosened" | "changed">;
  }): Promise<Changes> => {
    if (championCommit === undefined) return { warnings: [], renewed: [], diff: null };
    const [before, after] = await Promise.all([
      source.modelFileIds(model, championCommit),
      source.modelFileIds(model, commit),
    ]);
    const files = describeChangedFiles({
      champion: Object.fromEntries(before),
      challenger: Object.fromEntries(after),
    });
    const tokenizers = listTokenizerPaths(model, [champion, challenger]);
    const paths = await source.changedPaths(championCommit, commit);
    // A manifest may switch to another existing tokenizer file: then only the manifest changes.
    const isSame = findTokenizerId(champion, before) === findTokenizerId(challenger, after);
    const privileges = groupPrivilegedChanges(tokenizers, [
      ...new Set([...paths, ...(isSame ? [] : tokenizers)]),
    ]);
    // Without its truth a model is measured by less: that is a looser rule, not only another file.
    const dropped = files.filter((line) => line.startsWith(`${holdoutFile} was removed`));
    const loosened = [...dropped, ...rules.loosened].map((rule) => clipLine(rule, 120));
    const [first, others] = splitRules(loosened);
    // The model's folder first: a command that is too long is cut at its end.
    const shown = [`models/${model}/`, ...privileges.flatMap((privilege) => privilege.paths)].slice(0, 20);
    const diff = await source.linkDiff(championCommit, commit, shown);
    return {
      warnings: [
        ...listRules(`loosens ${loosened.length} rule${loosened.length === 1 ? "" : "s"}`, first),
        ...(privileges.length === 0
          ? []
          : [`changed since what prod serves: ${privileges.map(({ kind }) => kind).join(", ")}`]),
        ...listRules("also loosens", others),
        ...listRules(
          "tightens",
          rules.changed.map((rule) => clipLine(rule, 120)),
        ),
        ...privileges.map(({ kind, paths }) => listFiles(kind, paths)),
      ],
      renewed: files.filter((line) => !dropped.includes(line)),
      diff: diff.kind === "page" ? diff : { kind: "command", line: clipLine(diff.line, 300) },
    };
  };
