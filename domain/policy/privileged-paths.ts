import { isRuntimePath } from "#domain/approval/runtime-paths.ts";

/**
 * What of the repository runs with rights, or says what may run: files, and folders with a slash at the end. The first
 * kind that fits a path counts.
 */
export const privilegedPaths: readonly { readonly kind: string; readonly paths: readonly string[] }[] = [
  { kind: "the policy", paths: ["policy.yaml"] },
  { kind: "the runtime", paths: ["inference/", "lambdas/predict/", "tsconfig.json"] },
  { kind: "dependencies", paths: ["package.json", "package-lock.json", ".npmrc"] },
  { kind: "the build", paths: ["packaging/", "scripts/", "supply-chain/", ".ci/"] },
  {
    kind: "the steps",
    paths: [
      "lambdas/",
      "worlds/",
      "slack/",
      "statemachine/",
      "domain/",
      "model-check/",
      "api-keys/",
      "platform/",
      "model-folder/",
      "untrusted/",
    ],
  },
  { kind: "workflows and owners", paths: [".github/"] },
  { kind: "the infrastructure", paths: ["terraform/"] },
  { kind: "the command", paths: ["cli/"] },
  // CI runs them, and scripts with rights import from here.
  { kind: "the tests", paths: ["test/", "vitest.config.ts"] },
];

/** A file of this name says in any folder which code is installed there. */
const dependencyFile = /(^|\/)(package(-lock)?\.json|\.npmrc)$/;

/** What kind of privileged file a path is; undefined: none. A model's own folder never is one. */
const findPrivilege = (path: string): string | undefined => {
  if (path.startsWith("models/") || path.startsWith("seed/")) return undefined;
  if (dependencyFile.test(path)) return "dependencies";
  // Parts of it lie in the folders of the steps: the same rule says whose change it is (docs/approval.md).
  if (isRuntimePath(path)) return "the runtime";
  const isIn = (place: string) => (place.endsWith("/") ? path.startsWith(place) : path === place);
  return privilegedPaths.find(({ paths }) => paths.some(isIn))?.kind;
};

/** Whether a path runs with rights, or says what may run. */
export const isPrivilegedPath = (path: string): boolean => findPrivilege(path) !== undefined;

/**
 * What of the changed paths an approver should look at beside the model, by kind.
 * @param tokenizers paths of the tokenizers: they lie in the model's folder and decide what the model reads
 */
export const groupPrivilegedChanges = (
  tokenizers: ReadonlySet<string>,
  paths: readonly string[],
): readonly { readonly kind: string; readonly paths: readonly string[] }[] => {
  const kindOf = (path: string) => (tokenizers.has(path) ? "the tokenizer" : findPrivilege(path));
  const sorted = paths.toSorted();
  return ["the tokenizer", ...privilegedPaths.map(({ kind }) => kind)]
    .map((kind) => ({ kind, paths: sorted.filter((path) => kindOf(path) === kind) }))
    .filter((each) => each.paths.length > 0);
};
