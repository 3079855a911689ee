import type { Source } from "../../platform/source/source.ts";
import { changedFiles } from "./changed-files.ts";
import { changedPrivileges } from "./privileged-paths.ts";
import type { RulesInForce } from "./rules-in-force.ts";

type Folder = { readonly hashes: Readonly<Record<string, string>> };

/** Names come from whoever commits: on one line, and short enough that none pushes another out of the message. */
const short = (text: string, limit: number): string => {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
};

/**
 * What an approver has to see before anything else, most important first: the rules that the commit loosens against the
 * champion's manifest, with their number, so that a long list hides none; what changed that runs with rights or decides
 * how the model is judged, with a link to the difference; then what else changed of rules, holdout and golden vectors.
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
    readonly champion: Folder | undefined;
    readonly challenger: Folder;
    readonly rules: Pick<RulesInForce, "loosened" | "changed">;
  }): Promise<readonly string[]> => {
    const files = changedFiles({ champion: champion?.hashes, challenger: challenger.hashes });
    if (championCommit === undefined) return files;
    const privileges = changedPrivileges(model, await source.changedPaths(championCommit, commit));
    const { loosened } = rules;
    const lines =
      loosened.length === 0
        ? []
        : [
            `loosens ${loosened.length} rule${loosened.length === 1 ? "" : "s"}: ${short(loosened[0] ?? "", 120)}`,
            ...loosened.slice(1).map((rule) => short(rule, 120)),
          ];
    if (privileges.length === 0) return [...lines, ...rules.changed, ...files];
    const link = await source.linkDiff(
      championCommit,
      commit,
      privileges.flatMap(({ paths }) => paths).slice(0, 20),
    );
    const review = `changed since what prod serves: ${privileges.map(({ what }) => short(what, 160)).join(", ")}`;
    const diff = link.kind === "page" ? link.url : short(link.line, 300);
    // The link comes before what may be long, so that it is never what is cut off.
    return loosened.length === 0
      ? [`see ${diff}`, review, ...rules.changed, ...files]
      : [lines[0] ?? "", `see ${diff}`, ...lines.slice(1), review, ...rules.changed, ...files];
  };
