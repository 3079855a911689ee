import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type CommitHistory,
  CommitNotFound,
  type HistoryCommit,
  listKnownChanges,
  type Source,
} from "#platform/source/source.ts";
import { readAllModelFiles } from "#test/support/copy-model-files.ts";

/** Files by their path from the repository's root; null deletes one. */
export type FileChanges = Readonly<Record<string, string | Uint8Array | null>>;

export type SourceUnderTest = {
  readonly source: Source & CommitHistory;
  /** Commits the changes to `main` after the previous commit, as Ada Lovelace <ada@example.com>; returns the id. */
  commit(changes: FileChanges, message: string): Promise<string>;
  /** Runs git in the repository that the source reads, as Ada Lovelace. */
  git(...args: string[]): unknown;
  close(): Promise<void>;
};

const allByteValues = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31 + (index >> 8)) % 256);

const listChangedPaths = (commit: HistoryCommit | undefined): string[] =>
  commit === undefined ? [] : listKnownChanges(commit).map(({ path }) => path);

/** The rules of `Source`, for every implementation. `make` is called once and returns a repository without commits. */
export const sourceContract = (name: string, make: () => Promise<SourceUnderTest>): void => {
  describe(`source: ${name}`, () => {
    let subject: SourceUnderTest;
    let first: string;
    let second: string;
    let began: number;
    let ended: number;
    beforeAll(async () => {
      subject = await make();
      began = Date.now();
      first = await subject.commit(
        {
          "README.md": "# hi\n",
          "models/README.md": "no model\n",
          "models/churn/model.yaml": "name: churn\n",
          "models/churn/model.onnx": allByteValues,
          "models/churn/empty.csv": "",
          "models/churn/deep/er/über datei 語.txt": "öäü\r\n",
          "models/churn-2/model.yaml": "name: churn-2\n",
          "inference/churn/model.yaml": "not a model\n",
        },
        "First models\n\nWith a body.",
      );
      ended = Date.now();
      second = await subject.commit(
        {
          "README.md": null,
          "models/churn/model.yaml": "name: churn # again\n",
          "models/churn-2/model.yaml": null,
          "models/spam/model yaml é": "x",
        },
        `Second: é ${"x".repeat(100_000)}`,
      );
    });
    afterAll(() => subject.close());

    test("a commit has its author, its time and the first line of its message", async () => {
      const commit = await subject.source.commit(first);
      expect(commit).toMatchObject({
        id: first,
        author: { name: "Ada Lovelace", email: "ada@example.com" },
        subject: "First models",
      });
      // Git counts in seconds.
      expect(Date.parse(commit.committedAt)).toBeGreaterThanOrEqual(Math.floor(began / 1_000) * 1_000);
      expect(Date.parse(commit.committedAt)).toBeLessThanOrEqual(ended);
    });

    test("a subject of 100,000 characters is cut", async () => {
      expect((await subject.source.commit(second)).subject).toMatch(/^Second: é x{400,}…$/);
    });

    test("a branch and an abbreviated id resolve to the commit", async () => {
      expect((await subject.source.commit("main")).id).toBe(second);
      expect((await subject.source.commit(first.slice(0, 12))).id).toBe(first);
    });

    test("a diff between two commits has a page or a command that names both", async () => {
      const link = await subject.source.linkDiff(first, second, ["README.md", "a path's"]);
      const shown = link.kind === "page" ? link.url : link.line;
      expect(shown).toContain(first.slice(0, 12));
      expect(shown).toContain(second.slice(0, 12));
      if (link.kind === "page") expect(shown).toMatch(/^https?:\/\/[^\s|>]+$/);
      else expect(shown).toContain("-- README.md 'a path'\\''s'");
    });

    test("a commit has a page or a command that names it", async () => {
      const link = await subject.source.linkCommit(first);
      expect(link.kind === "page" ? link.url : link.line).toContain(first.slice(0, 12));
      if (link.kind === "page") expect(link.url).toMatch(/^https?:\/\/[^\s|>]+$/);
    });

    test.each([
      "",
      " ",
      "no-such-branch",
      "0".repeat(40),
      "-x",
      "--upload-pack=touch /tmp/x",
      "--output=x",
      "main:README.md",
      ":/First",
      "main..main",
      "main^{/First}",
      "main; true",
      "$(true)",
      "main\n",
      "main\0",
      "m".repeat(5_000),
    ])("%j is CommitNotFound", async (revision) => {
      await expect(subject.source.commit(revision)).rejects.toThrow(CommitNotFound);
      await expect(readAllModelFiles(subject.source, "churn", revision)).rejects.toThrow(CommitNotFound);
      await expect(subject.source.modelFiles("churn", revision, [])).rejects.toThrow(CommitNotFound);
      await expect(subject.source.modelFileIds("churn", revision)).rejects.toThrow(CommitNotFound);
      await expect(subject.source.changedPaths(revision, first)).rejects.toThrow(CommitNotFound);
    });

    test("changed paths are the added, changed and deleted files, with any characters", async () => {
      expect([...(await subject.source.changedPaths(first, second))].sort()).toEqual([
        "README.md",
        "models/churn-2/model.yaml",
        "models/churn/model.yaml",
        "models/spam/model yaml é",
      ]);
      expect(await subject.source.changedPaths(first, first)).toEqual([]);
    });

    test("without an earlier commit, all paths are changed", async () => {
      const paths = await subject.source.changedPaths(undefined, first);
      expect(paths).toHaveLength(8);
      expect(paths).toContain("models/churn/deep/er/über datei 語.txt");
    });

    test("a history lists the commits since another commit, with author, committer and changes", async () => {
      const { commits, complete } = await subject.source.history(second, [first]);
      expect(complete).toBe(true);
      expect(commits).toMatchObject([
        {
          id: second,
          parents: [first],
          author: { email: "ada@example.com" },
          committer: { email: "ada@example.com" },
          coAuthors: [],
        },
      ]);
      expect(listChangedPaths(commits[0]).sort()).toEqual([
        "README.md",
        "models/churn-2/model.yaml",
        "models/churn/model.yaml",
        "models/spam/model yaml é",
      ]);
      expect((await subject.source.history(second, [second])).commits).toEqual([]);
      expect((await subject.source.history(first, [second])).commits).toEqual([]);
    });

    test("a history reads the requested paths; without paths it lists only the commits", async () => {
      const about = await subject.source.history(second, [], ["models/spam"]);
      expect(about.commits.map(({ id }) => id)).toEqual([second, first]);
      expect(listChangedPaths(about.commits[0])).toContain("models/spam/model yaml é");
      const { commits, complete } = await subject.source.history(second, [first], []);
      expect([commits.map(({ id }) => id), complete]).toEqual([[second], true]);
    });

    test("a history begins with the newest commit", async () => {
      const third = await subject.commit({ "README.md": "third\n" }, "Third");
      const fourth = await subject.commit({ "README.md": null }, "Fourth");
      expect((await subject.source.history(fourth, [first])).commits.map(({ id }) => id)).toEqual([
        fourth,
        third,
        second,
      ]);
      subject.git("reset", "--quiet", "--hard", second);
    });

    test("without another commit a history reaches back to the first", async () => {
      const { commits } = await subject.source.history(second, []);
      expect(commits.map(({ id }) => id).sort()).toEqual([first, second].sort());
      expect(commits.find(({ id }) => id === first)?.changes).toHaveLength(8);
      await expect(subject.source.history(second, ["0".repeat(40)])).rejects.toThrow(CommitNotFound);
    });

    test("co-authors are read from the message, and a moved file has its old path", async () => {
      const message = "Moved\n\nCo-authored-by: Grace Hopper <grace@example.com>";
      const content = Buffer.from(allByteValues);
      const moved = await subject.commit(
        { "models/churn/model.onnx": null, "models/moved/model.onnx": content },
        message,
      );
      const [commit] = (await subject.source.history(moved, [second])).commits;
      expect(commit?.coAuthors).toEqual([{ name: "Grace Hopper", email: "grace@example.com" }]);
      expect(commit?.changes).toContainEqual({
        path: "models/moved/model.onnx",
        from: "models/churn/model.onnx",
      });
      expect(listChangedPaths(commit)).toContain("models/churn/model.onnx");
    });

    test("models are the folders under models/ at that commit, without other files", async () => {
      expect([...(await subject.source.models(first))].sort()).toEqual(["churn", "churn-2"]);
      expect([...(await subject.source.models(second))].sort()).toEqual(["churn", "spam"]);
    });

    test("a model's files are all files of its folder at that commit, byte for byte", async () => {
      const files = await readAllModelFiles(subject.source, "churn", first);
      expect([...files.keys()].sort()).toEqual([
        "deep/er/über datei 語.txt",
        "empty.csv",
        "model.onnx",
        "model.yaml",
      ]);
      expect(Buffer.from(files.get("model.onnx") ?? "").equals(allByteValues)).toBe(true);
      expect(files.get("empty.csv")).toHaveLength(0);
      expect(Buffer.from(files.get("deep/er/über datei 語.txt") ?? "").toString()).toBe("öäü\r\n");
      const later = await readAllModelFiles(subject.source, "churn", second);
      expect(Buffer.from(later.get("model.yaml") ?? "").toString()).toBe("name: churn # again\n");
    });

    test("only the named files of a model are read, byte for byte, without missing ones", async () => {
      const names = ["model.onnx", "deep/er/über datei 語.txt", "golden.json", "model.onnx"];
      const files = await subject.source.modelFiles("churn", first, names);
      expect([...files.keys()].sort()).toEqual(["deep/er/über datei 語.txt", "model.onnx"]);
      expect(Buffer.from(files.get("model.onnx") ?? "").equals(allByteValues)).toBe(true);
      expect(Buffer.from(files.get("deep/er/über datei 語.txt") ?? "").toString()).toBe("öäü\r\n");
      expect((await subject.source.modelFiles("churn", first, [])).size).toBe(0);
    });

    test.each([
      "",
      ".",
      "deep",
      "deep/",
      "deep/er",
      "./model.yaml",
      "/model.yaml",
      "model.yaml/",
      "deep/../model.yaml",
      "../churn/model.yaml",
      "../churn-2/model.yaml",
      "../../README.md",
      "*",
      "model.*",
      ":(top)README.md",
      "MODEL.YAML",
      "--help",
      "__proto__",
    ])("%j is not a file of a model's folder, and is not read", async (name) => {
      const files = await subject.source.modelFiles("churn", first, [name, "empty.csv"]);
      expect([...files.keys()]).toEqual(["empty.csv"]);
    });

    test("equal content has equal ids at any commit and under any name, and other content has other ids", async () => {
      const before = await subject.source.modelFileIds("churn", first);
      const after = await subject.source.modelFileIds("churn", second);
      const names = ["deep/er/über datei 語.txt", "empty.csv", "model.onnx", "model.yaml"];
      expect([...before.keys()].sort()).toEqual(names);
      expect([...after.keys()].sort()).toEqual(names);
      const changed = names.filter((name) => before.get(name) !== after.get(name));
      expect(changed).toEqual(["model.yaml"]);
      expect(new Set(before.values()).size).toBe(4);
      const copied = await subject.commit({ "models/copy/model.onnx": allByteValues }, "A copy");
      expect((await subject.source.modelFileIds("copy", copied)).get("model.onnx")).toBe(
        before.get("model.onnx"),
      );
      subject.git("reset", "--quiet", "--hard", second);
    });

    test.each(["none", "", ".", "..", "churn/deep", "../inference/churn", "README.md", "*"])(
      "%j is not a model and has no files",
      async (model) => {
        expect((await readAllModelFiles(subject.source, model, first)).size).toBe(0);
        expect((await subject.source.modelFiles(model, first, ["model.yaml", "README.md"])).size).toBe(0);
        expect((await subject.source.modelFileIds(model, first)).size).toBe(0);
      },
    );

    test("a symbolic link or a submodule in a model's folder is refused, for any files that are read", async () => {
      const { git, source } = subject;
      const target = `${String(git("rev-parse", `${first}:README.md`)).trim()},models/churn/link`;
      for (const [entry, what] of [
        [`120000,${target}`, /models\/churn\/link is a symbolic link/],
        [`160000,${first},models/churn/link`, /models\/churn\/link is a submodule/],
      ] as const) {
        git("update-index", "--add", "--cacheinfo", entry);
        git("commit", "--quiet", "--message", "A link");
        const linked = String(git("rev-parse", "HEAD")).trim();
        for (const read of [
          () => readAllModelFiles(source, "churn", linked),
          () => source.modelFiles("churn", linked, ["model.yaml"]),
          () => source.modelFiles("churn", linked, []),
          () => source.modelFileIds("churn", linked),
        ])
          await expect(read()).rejects.toMatchObject({
            name: "ModelFilesRefused",
            message: expect.stringMatching(what),
          });
        git("reset", "--quiet", "--hard", second);
      }
    });

    test("a file is read by its path from the root, byte for byte", async () => {
      expect(Buffer.from((await subject.source.file("README.md", first)) ?? "").toString()).toBe("# hi\n");
      const bytes = await subject.source.file("models/churn/model.onnx", second);
      expect(Buffer.from(bytes ?? "").equals(allByteValues)).toBe(true);
      const named = await subject.source.file("models/spam/model yaml é", second);
      expect(Buffer.from(named ?? "").toString()).toBe("x");
    });

    test.each([
      "README.md",
      "none",
      "models",
      "models/",
      "/README.md",
      "../README.md",
      "./policy.yaml",
      "",
      "--help",
    ])("%j is undefined at a commit without that file", async (path) => {
      expect(await subject.source.file(path, second)).toBeUndefined();
    });

    describe("a merge of two branches", () => {
      const lines = (...changed: readonly (readonly [number, string])[]): string =>
        Array.from({ length: 20 }, (_, index) => `${new Map(changed).get(index) ?? index}\n`).join("");
      const before = {
        "models/shop/model.yaml": lines(),
        "models/shop/gone.csv": "1\n",
        "models/shop/run.sh": "true\n",
        "models/other/model.yaml": "name: other\n",
      };
      let branches = 0;
      /** Merges `ours` on main and `theirs` on a branch with git's `flags`; `after`: further changes of the merge. */
      const merge = async (
        ours: FileChanges,
        theirs: FileChanges,
        { after = {}, flags = [] }: { readonly after?: FileChanges; readonly flags?: readonly string[] } = {},
      ): Promise<string> => {
        const { git, commit } = subject;
        const branch = `branch-${++branches}`;
        git("checkout", "--quiet", "--force", "main");
        await commit({ ...before, marker: branch }, `Before ${branch}`);
        git("checkout", "--quiet", "-b", branch);
        await commit({ ...theirs, [`theirs-${branch}`]: "" }, "Theirs");
        git("checkout", "--quiet", "main");
        if (Object.keys(ours).length > 0) await commit(ours, "Ours");
        try {
          git("merge", "--quiet", "--no-ff", "--no-commit", ...flags, branch);
        } catch {
          // `after` resolves conflicts.
        }
        return commit(after, "Merged");
      };
      const isClean = async (...args: Parameters<typeof merge>) =>
        subject.source.isCleanMerge(await merge(...args));

      test("the merge is clean where each side changed its own files", async () => {
        expect(
          await isClean(
            { "models/shop/model.yaml": lines([3, "ours"]), "models/shop/new.csv": "2\n" },
            { "models/other/model.yaml": "name: another\n", "models/shop/gone.csv": null },
          ),
        ).toBe(true);
      });

      test("the merge is clean where one side did nothing, or both made the same change", async () => {
        expect(await isClean({}, { "models/shop/model.yaml": lines([3, "theirs"]) })).toBe(true);
        const same = { "models/shop/model.yaml": lines([3, "both"]), "models/shop/gone.csv": null };
        expect(await isClean(same, same)).toBe(true);
      });

      test("the merge is clean where both changed separate lines of one file", async () => {
        expect(
          await isClean(
            { "models/shop/model.yaml": `first\n${lines([3, "ours"])}` },
            { "models/shop/model.yaml": `${lines([12, "theirs"]).slice(0, -3)}last` },
          ),
        ).toBe(true);
      });

      test.each<[string, ...Parameters<typeof merge>]>([
        [
          "a conflict was resolved by hand",
          { "models/shop/model.yaml": lines([3, "ours"]) },
          { "models/shop/model.yaml": lines([3, "theirs"]) },
          { after: { "models/shop/model.yaml": lines([3, "ours"]) } },
        ],
        [
          "a line is in neither parent",
          { "models/shop/model.yaml": lines([3, "ours"]) },
          { "models/shop/model.yaml": lines([12, "theirs"]) },
          { after: { "models/shop/model.yaml": lines([3, "ours"], [7, "slipped in"], [12, "theirs"]) } },
        ],
        [
          "a file is in neither parent",
          { "models/shop/model.yaml": lines([3, "ours"]) },
          { "models/other/model.yaml": "name: another\n" },
          { after: { "models/shop/slipped.csv": "in\n" } },
        ],
        [
          "a file that neither parent touched is changed",
          { "models/shop/model.yaml": lines([3, "ours"]) },
          { "models/other/model.yaml": "name: another\n" },
          { after: { "models/shop/gone.csv": "2\n" } },
        ],
        [
          "a file that one parent deleted is there again",
          {},
          { "models/shop/gone.csv": null },
          { after: { "models/shop/gone.csv": "1\n" } },
        ],
        [
          "a file that both parents have is gone",
          { "models/shop/model.yaml": lines([3, "ours"]) },
          {},
          { after: { "models/shop/gone.csv": null } },
        ],
        [
          "one side's change was left out",
          {},
          { "models/shop/model.yaml": lines([3, "theirs"]) },
          { flags: ["--strategy=ours"] },
        ],
      ])("the merge is not clean where %s", async (_, ours, theirs, more) => {
        expect(await isClean(ours, theirs, more)).toBe(false);
      });

      test("the merge is not clean where it makes a file executable", async () => {
        const id = await merge({}, { "models/shop/model.yaml": lines([3, "theirs"]) });
        subject.git("update-index", "--chmod=+x", "models/shop/run.sh");
        subject.git("commit", "--quiet", "--amend", "--no-edit");
        expect(await subject.source.isCleanMerge("main")).toBe(false);
        expect(await subject.source.isCleanMerge(id)).toBe(true);
      });

      test("a commit with one or three parents is not a clean merge", async () => {
        const id = await merge({}, { "models/shop/model.yaml": lines([3, "theirs"]) });
        expect(await subject.source.isCleanMerge(`branch-${branches}`)).toBe(false);
        subject.git("reset", "--quiet", "--hard", `${id}^1`);
        subject.git("merge", "--quiet", `branch-${branches}`, `branch-${branches - 1}`);
        expect(await subject.source.isCleanMerge("main")).toBe(false);
        await expect(subject.source.isCleanMerge("0".repeat(40))).rejects.toThrow(CommitNotFound);
      });

      describe("with older content that was reverted", () => {
        /** A commit with any tree, parents and date. */
        const forge = async (tree: string, parents: readonly string[], seconds: number): Promise<string> => {
          const { git } = subject;
          const person = `Ada Lovelace <ada@example.com> ${seconds} +0000`;
          const lines = [
            `tree ${String(git("rev-parse", `${tree}^{tree}`)).trim()}`,
            ...parents.map((parent) => `parent ${parent}`),
            `author ${person}`,
            `committer ${person}`,
          ];
          const file = join(
            String(git("rev-parse", "--show-toplevel")).trim(),
            "..",
            `commit-${randomUUID()}`,
          );
          await writeFile(file, `${lines.join("\n")}\n\nForged\n`);
          const id = String(git("hash-object", "-t", "commit", "-w", file)).trim();
          await rm(file);
          return id;
        };
        const now = Math.floor(Date.now() / 1_000);
        /** Good content, then other content, then the good content again, on a new branch. */
        const revertContent = async () => {
          subject.git("checkout", "--quiet", "--force", "-B", `taken-back-${++branches}`, "main");
          const model = "models/shop/model.onnx";
          const good = await subject.commit({ [model]: `good ${branches}\n` }, "Good");
          const other = await subject.commit({ [model]: "other\n" }, "Other");
          const again = await subject.commit({ [model]: `good ${branches}\n` }, "Good again");
          return { good, other, again };
        };
        /** A merge with the other content, where git's own merge keeps the good content. */
        const expectNotClean = async (ours: string, theirs: string, seconds: number) => {
          const merged = await forge(theirs, [ours, theirs], seconds);
          subject.git("checkout", "--quiet", "-B", `forged-${++branches}`, merged);
          expect(await subject.source.isCleanMerge(merged)).toBe(false);
        };

        test.each([
          ["real dates", now],
          ["a date before all other dates", 100_000_000],
        ])(
          "the merge is not clean where a merge of old commits restores that content, with %s",
          async (_, date) => {
            const { good, other, again } = await revertContent();
            const forged = await forge(other, [other], date);
            const side = await forge(good, [good], now);
            const old = await forge(other, [forged, side], now);
            await expectNotClean(again, old, now);
          },
        );

        test("the merge is not clean where both sides had merged the same commit before", async () => {
          const { good, other, again } = await revertContent();
          subject.git("checkout", "--quiet", "-B", `side-${++branches}`, good);
          const side = await subject.commit({ "models/other/model.yaml": `name: ${branches}\n` }, "Side");
          subject.git("checkout", "--quiet", "-B", `prod-${branches}`, again);
          subject.git("merge", "--quiet", "--no-ff", "--no-edit", side);
          const prod = String(subject.git("rev-parse", "HEAD")).trim();
          subject.git("checkout", "--quiet", "-B", `old-${branches}`, other);
          subject.git("merge", "--quiet", "--no-ff", "--no-edit", side);
          const old = String(subject.git("rev-parse", "HEAD")).trim();
          expect(await subject.source.isCleanMerge(old)).toBe(true);
          await expectNotClean(prod, old, now);
        });
      });

      test("two sides with an earlier merge are compared with their last common commit", async () => {
        const { git, commit, source } = subject;
        await merge({}, { "models/shop/model.yaml": lines([3, "theirs"]) });
        const branch = `branch-${branches}`;
        git("checkout", "--quiet", branch);
        await commit({ "models/shop/model.yaml": lines([3, "theirs"], [9, "theirs again"]) }, "Theirs again");
        git("checkout", "--quiet", "main");
        await commit({ "models/other/model.yaml": "name: ours\n" }, "Ours");
        git("merge", "--quiet", "--no-ff", "--no-edit", branch);
        expect(await source.isCleanMerge("main")).toBe(true);
      });
    });
  });
};
