import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FileChanges, sourceContract } from "#test/contracts/source.ts";
import { readAllModelFiles } from "#test/support/copy-model-files.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createGitSource } from "./git.ts";

const identity = ["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.com"];
/** Without the caller's variables: inside a hook these tests would commit to the hook's repository. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
const git = (folder: string, ...args: string[]): string =>
  execFileSync("git", [...identity, "-c", "commit.gpgSign=false", ...args], {
    cwd: folder,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();

const commit =
  (folder: string) =>
  async (changes: FileChanges, message: string): Promise<string> => {
    for (const [path, content] of Object.entries(changes)) {
      const file = join(folder, path);
      if (content === null) await rm(file);
      else {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
      }
    }
    git(folder, "-c", "core.autocrlf=false", "add", "--all");
    git(folder, "commit", "--quiet", "--message", message);
    return git(folder, "rev-parse", "HEAD");
  };

const repository = async () => {
  const folder = await createTemporaryFolder();
  git(folder.path, "init", "--quiet", "--initial-branch=main");
  return folder;
};

sourceContract("a local git repository", async () => {
  const folder = await repository();
  return {
    source: createGitSource({ repository: folder.path }),
    commit: commit(folder.path),
    git: (...args) => git(folder.path, ...args),
    close: folder.remove,
  };
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await repository();
});
afterEach(() => folder.remove());

test("a symbolic link in a model's folder is refused by name", async () => {
  await mkdir(join(folder.path, "models/churn"), { recursive: true });
  await symlink("/etc/passwd", join(folder.path, "models/churn/model.onnx"));
  const id = await commit(folder.path)({}, "A link");
  const source = createGitSource({ repository: folder.path });
  await expect(readAllModelFiles(source, "churn", id)).rejects.toMatchObject({
    name: "ModelFilesRefused",
    message: expect.stringMatching(/models\/churn\/model.onnx is a symbolic link/),
  });
  expect(await source.file("models/churn/model.onnx", id)).toBeUndefined();
});

test("a submodule in a model's folder is refused by name", async () => {
  const inner = await commit(folder.path)({ "models/churn/model.yaml": "x" }, "A model");
  git(folder.path, "update-index", "--add", "--cacheinfo", `160000,${inner},models/churn/sub`);
  git(folder.path, "commit", "--quiet", "--message", "A submodule");
  await expect(
    readAllModelFiles(createGitSource({ repository: folder.path }), "churn", "main"),
  ).rejects.toMatchObject({
    name: "ModelFilesRefused",
    message: expect.stringMatching(/models\/churn\/sub is a submodule/),
  });
});

test("inside a git hook of another repository the named repository is still read", async () => {
  const id = await commit(folder.path)({ "models/churn/model.yaml": "x" }, "A model");
  const before = process.env.GIT_DIR;
  process.env.GIT_DIR = "/nowhere";
  try {
    expect(await createGitSource({ repository: folder.path }).models(id)).toEqual(["churn"]);
  } finally {
    if (before === undefined) delete process.env.GIT_DIR;
    else process.env.GIT_DIR = before;
  }
});

test("a bare repository and a folder below the repository's root are read like the root", async () => {
  const id = await commit(folder.path)({ "models/churn/model.yaml": "x" }, "A model");
  git(folder.path, "clone", "--quiet", "--bare", ".", "bare.git");
  for (const place of ["bare.git", "models/churn"]) {
    const source = createGitSource({ repository: join(folder.path, place) });
    expect(await source.models(id)).toEqual(["churn"]);
    expect([...(await readAllModelFiles(source, "churn", id)).keys()]).toEqual(["model.yaml"]);
    expect(await source.file("models/churn/model.yaml", id)).toHaveLength(1);
  }
});

test("an annotated tag leads to its commit, and a tree or a file is not a commit", async () => {
  const id = await commit(folder.path)({ "models/churn/model.yaml": "x" }, "A model");
  git(folder.path, "tag", "--annotate", "v1", "--message", "first");
  const source = createGitSource({ repository: folder.path });
  expect((await source.commit("v1")).id).toBe(id);
  for (const object of ["HEAD^{tree}", "HEAD:models/churn/model.yaml"]) {
    await expect(source.commit(git(folder.path, "rev-parse", object))).rejects.toMatchObject({
      name: "CommitNotFound",
    });
  }
});

test("an object that was read is not read again: neither a commit, nor a folder's list, nor a small file", async () => {
  const id = await commit(folder.path)({ "models/churn/model.yaml": "x", "policy.yaml": "y" }, "A model");
  const source = createGitSource({ repository: folder.path });
  const read = async () => [
    await source.modelFiles("churn", id, ["model.yaml"]),
    await source.modelFileIds("churn", id),
    await source.models(id),
    await source.file("policy.yaml", id),
  ];
  const first = await read();
  await rename(join(folder.path, ".git"), join(folder.path, "away"));
  expect(await read()).toEqual(first);
  // A branch may move, so it is always resolved.
  await expect(source.models("main")).rejects.toThrow();
});

test("a thousand files of a model arrive complete", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, index) => [
      `models/churn/${index}.txt`,
      `${index}\n`.repeat(index % 40),
    ]),
  );
  const id = await commit(folder.path)(files, "Many files");
  const found = await readAllModelFiles(createGitSource({ repository: folder.path }), "churn", id);
  expect(
    Object.fromEntries(
      [...found].map(([path, bytes]) => [`models/churn/${path}`, Buffer.from(bytes).toString()]),
    ),
  ).toEqual(files);
});

test("the error names a folder that is not a repository", async () => {
  await rm(join(folder.path, ".git"), { recursive: true });
  await expect(createGitSource({ repository: folder.path }).commit("main")).rejects.toMatchObject({
    name: "GitFailed",
    message: expect.stringMatching(/not a git repository/),
  });
});
