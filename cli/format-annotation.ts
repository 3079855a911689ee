import { type FolderProblem, stopsDelivery } from "#model-folder/manifest/folder-problem.ts";

const escapeData = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

/**
 * A problem as a command of GitHub Actions, which shows it at the line of the file in the pull request.
 * `file`: its path in the repository, because GitHub knows no other.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
 * The escapes are those of @actions/core: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
 */
export const formatAnnotation = (problem: FolderProblem): string => {
  const { file, line, column, path, message, remedy } = problem;
  const properties = {
    file,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { col: column }),
    title: path === "" ? "slipway check" : path,
  };
  const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  return `::${stopsDelivery(problem) ? "error" : "warning"} ${list.join(",")}::${escapeData(`${message}. ${remedy}`)}`;
};
