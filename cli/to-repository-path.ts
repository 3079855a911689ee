import { existsSync } from "node:fs";
import path from "node:path";
import { findRepository } from "./find-repository.ts";

type Paths = Pick<typeof path, "relative" | "resolve" | "dirname" | "join" | "sep">;
type Needs = {
  readonly exists?: (path: string) => boolean;
  /** Absent: the machine's. */
  readonly paths?: Paths;
  /** Where GitHub Actions checked something out; a repository may lie in a folder below. */
  readonly workspace?: string | undefined;
};

const findRoot = (folder: string, { exists = existsSync, paths = path, workspace }: Needs): string => {
  for (let at = paths.resolve(folder); ; at = paths.dirname(at)) {
    if (exists(paths.join(at, ".git"))) return at;
    if (at === paths.dirname(at)) return workspace ?? findRepository(folder);
  }
};

/**
 * The path of a folder's file in its repository, with slashes on every system: GitHub knows a file by no other.
 * @param file from the folder; it may lie above it
 */
export const toRepositoryPath = (folder: string, file: string, needs: Needs = {}): string => {
  const { paths = path } = needs;
  return paths.relative(findRoot(folder, needs), paths.resolve(folder, file)).split(paths.sep).join("/");
};
