import { type FolderProblem, stopsDelivery } from "#model-folder/manifest/folder-problem.ts";
import { formatAnnotation } from "./format-annotation.ts";

/**
 * What GitHub shows of one step: 10 errors and 10 warnings; it drops the rest silently.
 * https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations
 */
const limit = 10;

/** One problem of each model in turn, so that a model with many hides no other. */
const takeInTurns = (models: readonly (readonly FolderProblem[])[]): readonly FolderProblem[] => {
  const longest = Math.max(0, ...models.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) =>
    models.flatMap((problems) => problems[index] ?? []),
  ).flat();
};

const cutTo = (kind: "error" | "warning", problems: readonly FolderProblem[]): readonly string[] => {
  const isComplete = problems.length <= limit;
  const shown = problems.slice(0, isComplete ? limit : limit - 1);
  const rest = problems.length - shown.length;
  return [
    ...shown.map(formatAnnotation),
    ...(isComplete
      ? []
      : [
          `::${kind} title=slipway check::${rest} more ${kind}s: GitHub shows ${limit} of a step. The job's summary and its log have all of them.`,
        ]),
  ];
};

/**
 * The annotations of a pull request's models, as many as GitHub shows; where there are more, the last says how many.
 * @param models the problems of each model, with files by their paths in the repository
 */
export const selectAnnotations = (models: readonly (readonly FolderProblem[])[]): readonly string[] => [
  ...cutTo("error", takeInTurns(models.map((problems) => problems.filter(stopsDelivery)))),
  ...cutTo("warning", takeInTurns(models.map((problems) => problems.filter((each) => !stopsDelivery(each))))),
];
