/** Folders and files of the repository that run with rights, or say what may run, by what they are. */
const privileged: readonly (readonly [what: string, paths: RegExp])[] = [
  ["the policy", /^policy\.yaml$/],
  ["the runtime", /^(inference\/|lambdas\/predict\/|model-folder\/)/],
  ["dependencies", /(^|\/)(package(-lock)?\.json|\.npmrc)$/],
  ["the build", /^(buildspec\.yml$|packaging\/|scripts\/|supply-chain\/|\.ci\/)/],
  ["the steps", /^(lambdas|domain|platform|statemachine|worlds|rehearsal|api-keys|model-check|console)\//],
  ["workflows and owners", /^\.github\//],
  ["the infrastructure", /^terraform\//],
  ["the command", /^cli\//],
];

/** What kind of privileged file a path is; undefined: none. A model's own folder never is one. */
const privilegeOf = (path: string): string | undefined =>
  path.startsWith("models/") || path.startsWith("seed/")
    ? undefined
    : privileged.find(([, paths]) => paths.test(path))?.[0];

/** Whether a path runs with rights, or says what may run. */
export const withRights = (path: string): boolean => privilegeOf(path) !== undefined;

/**
 * What of the changed paths an approver should look at beside the model: each kind with its files, most at `shown`
 * of them by name. A tokenizer belongs to the model's folder and decides what the model reads.
 */
export const changedPrivileges = (
  model: string,
  paths: readonly string[],
  shown = 3,
): readonly { readonly what: string; readonly paths: readonly string[] }[] => {
  const found = new Map<string, string[]>();
  for (const path of paths.toSorted()) {
    const kind = path === `models/${model}/tokenizer.json` ? "the tokenizer" : privilegeOf(path);
    if (kind !== undefined) found.set(kind, [...(found.get(kind) ?? []), path]);
  }
  return [...found].map(([what, all]) => ({
    what: `${what}: ${all.slice(0, shown).join(", ")}${all.length > shown ? ` and ${all.length - shown} more` : ""}`,
    paths: all,
  }));
};
