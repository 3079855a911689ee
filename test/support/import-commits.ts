import { execFileSync } from "node:child_process";
import { gitEnvironment } from "./git-repository.ts";

export type ImportedCommit = {
  /** An email address; its local part is the name. */
  readonly author: string;
  /** By their path from the root; null deletes one. */
  readonly files: Readonly<Record<string, string | null>>;
  /** Indexes in the list; by default the previous commit. */
  readonly parents?: readonly number[];
};

const formatData = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;

/** Creates these commits on `main` in one call of git; returns their ids. */
export const importCommits = (folder: string, commits: readonly ImportedCommit[]): readonly string[] => {
  const stream = commits.map(({ author, files, parents = [-1] }, index) => {
    const person = `${author.split("@")[0]} <${author}> ${1_700_000_000 + index * 60} +0000`;
    const marks = parents.map((parent) => (parent === -1 ? index : parent + 1)).filter((mark) => mark > 0);
    return [
      `commit refs/heads/main\nmark :${index + 1}\nauthor ${person}\ncommitter ${person}\n`,
      formatData(`Commit ${index}`),
      ...marks.map((mark, place) => `${place === 0 ? "from" : "merge"} :${mark}\n`),
      ...Object.entries(files).map(([path, content]) =>
        content === null ? `D ${path}\n` : `M 100644 inline ${path}\n${formatData(content)}`,
      ),
      `\nget-mark :${index + 1}\n`,
    ].join("");
  });
  const options = { cwd: folder, env: gitEnvironment, encoding: "utf8" } as const;
  const ids = execFileSync("git", ["fast-import", "--quiet", "--force"], {
    ...options,
    input: stream.join(""),
  });
  execFileSync("git", ["reset", "--quiet", "--hard", "main"], options);
  return ids.trim().split("\n");
};
