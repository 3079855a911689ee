import { isRuntimePath } from "#domain/approval/runtime-paths.ts";

/**
 * Files, and folders with a final slash, that run with permissions or decide what runs. The first matching kind counts.
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
  // CI runs them, and privileged scripts import from here.
  { kind: "the tests", paths: ["test/", "vitest.config.ts"] },
];

/** Decides in any folder which code is installed there. */
const dependencyFile = /(^|\/)(package(-lock)?\.json|\.npmrc)$/;

/** Undefined: not privileged. A model's own folder never is. */
const findPrivilege = (path: string): string | undefined => {
  if (path.startsWith("models/") || path.startsWith("seed/")) return undefined;
  if (dependencyFile.test(path)) return "dependencies";
  // Before the folders below, because parts of the runtime are in them (docs/approval.md).
  if (isRuntimePath(path)) return "the runtime";
  const isIn = (place: string) => (place.endsWith("/") ? path.startsWith(place) : path === place);
  return privilegedPaths.find(({ paths }) => paths.some(isIn))?.kind;
};

export const isPrivilegedPath = (path: string): boolean => findPrivilege(path) !== undefined;

/**
 * The changed paths that an approver should review besides the model, by kind.
 * @param tokenizers in the model's folder; they decide what the model reads
 */
export const groupPrivilegedChanges = (
  tokenizers: ReadonlySet<string>,
  paths: readonly string[],
): readonly { readonly kind: string; readonly paths: readonly string[] }[] => {
  const findKind = (path: string) => (tokenizers.has(path) ? "the tokenizer" : findPrivilege(path));
  const sorted = paths.toSorted();
  return ["the tokenizer", ...privilegedPaths.map(({ kind }) => kind)]
    .map((kind) => ({ kind, paths: sorted.filter((path) => findKind(path) === kind) }))
    .filter((group) => group.paths.length > 0);
};
