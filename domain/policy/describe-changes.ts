import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Source } from "#platform/source/source.ts";
import { describeChangedFiles } from "./describe-changed-files.ts";
import { groupPrivilegedChanges } from "./privileged-paths.ts";
import type { RulesInForce } from "./rules-in-force.ts";

type TokenizerManifest = Pick<Manifest, "tokenizer">;

/** Names come from whoever commits: on one line, and short enough that none pushes another out of the message. */
const clipLine = (text: string, limit: number): string => {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
};

/** Where the tokenizers lie: each manifest names its own. */
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

/** As many of a kind's files as have room, each whole where it can be, and the number of the others. */
const listFiles = (kind: string, paths: readonly string[]): string => {
  const [first = "", ...others] = paths.slice(0, 3).map((path) => clipLine(path, 100));
  const shown = [first];
  for (const path of others) if ([...shown, path].join(", ").length <= 120) shown.push(path);
  const left = paths.length - shown.length;
  return `${kind}: ${shown.join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
};

/**
 * What an approver has to see before anything else, most important first, because the message shows as many lines as have
 * room. First the number of rules that the commit loosens against the champion's manifest, with one of them; then, in a
 * line that no name of a file is in, every kind of what changed that runs with rights or decides how the model is judged;
 * then holdout and golden vectors, and the link to the difference. Only then comes what whoever commits can make long:
 * the other rules, and at last the names of the files.
 * @param championCommit the commit that prod serves; undefined: nothing is served, and so nothing is compared
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
  }): Promise<readonly string[]> => {
    if (championCommit === undefined) return [];
    const before = await source.modelFileIds(model, championCommit);
    const after = await source.modelFileIds(model, commit);
    const files = describeChangedFiles({
      champion: Object.fromEntries(before),
      challenger: Object.fromEntries(after),
    });
    const tokenizers = listTokenizerPaths(model, [champion, challenger]);
    const paths = await source.changedPaths(championCommit, commit);
    // A manifest that names another file which was there before changes the tokenizer, and no file but itself.
    const isSame = findTokenizerId(champion, before) === findTokenizerId(challenger, after);
    const privileges = groupPrivilegedChanges(tokenizers, [
      ...new Set([...paths, ...(isSame ? [] : tokenizers)]),
    ]);
    const [first, ...loosened] = rules.loosened.map((rule) => clipLine(rule, 120));
    const number = rules.loosened.length;
    const isListed = rules.loosened.length + rules.changed.length + files.length + privileges.length > 0;
    return [
      ...(first === undefined ? [] : [`loosens ${number} rule${number === 1 ? "" : "s"}: ${first}`]),
      ...(privileges.length === 0
        ? []
        : [`changed since what prod serves: ${privileges.map(({ kind }) => kind).join(", ")}`]),
      ...files,
      ...(isListed ? [`see ${await link()}`] : []),
      ...loosened,
      ...rules.changed.map((rule) => clipLine(rule, 120)),
      ...privileges.map(({ kind, paths }) => listFiles(kind, paths)),
    ];

    async function link(): Promise<string> {
      // The model's own rules, holdout and golden vectors first: a command that is too long loses its end.
      const paths = [`models/${model}/`, ...privileges.flatMap((each) => each.paths)].slice(0, 20);
      const diff = await source.linkDiff(championCommit ?? "", commit, paths);
      return diff.kind === "page" ? diff.url : clipLine(diff.line, 300);
    }
  };
