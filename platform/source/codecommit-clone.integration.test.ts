import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { CodeCommitClient } from "@aws-sdk/client-codecommit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGitRepository } from "#test/support/git-repository.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createCodeCommitSource } from "./codecommit.ts";
import { createCodeCommitClone, toCodeCommitUrl } from "./codecommit-clone.ts";
import { createCodeCommitReader } from "./codecommit-reader.ts";

const large = randomBytes(7_000_000);
let repository: Awaited<ReturnType<typeof createGitRepository>>;
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let first: string;
let blob: string;
beforeAll(async () => {
  folder = await createTemporaryFolder();
  repository = await createGitRepository();
  first = await repository.commit({ "models/toy/model.onnx": large }, "Large");
  blob = repository.git("rev-parse", `${first}:models/toy/model.onnx`).toString().trim();
  // The branch has moved on since.
  await repository.commit({ "models/toy/model.onnx": "small" }, "Small");
});
afterAll(async () => {
  await repository.remove();
  await folder.remove();
});

const clone = (name: string, url = repository.path) =>
  createCodeCommitClone({ folder: join(folder.path, name), url });

test("a blob of a commit is read from a clone as it was committed, although the branch has moved on", async () => {
  const open = clone("first");
  for (const _ of [1, 2])
    expect(Buffer.concat(await Array.fromAsync(open(first, blob))).equals(large)).toBe(true);
});

test("a blob that the repository does not have is a named error", async () => {
  await expect(Array.fromAsync(clone("none")(first, "0".repeat(40)))).rejects.toMatchObject({
    name: "GitFailed",
  });
});

test("a repository that cannot be reached is a temporary error", async () => {
  const open = clone("unreachable", join(folder.path, "no-repository"));
  await expect(Array.fromAsync(open(first, blob))).rejects.toMatchObject({
    name: "TemporaryFault",
    message: expect.stringMatching(/could not be cloned: git fetch ended with 128/),
  });
});

test("a repository that never answers is a temporary error at the clone's deadline", async () => {
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  try {
    const open = createCodeCommitClone({
      folder: join(folder.path, "silent"),
      url: `http://127.0.0.1:${port}/models`,
      limitMs: 200,
    });
    await expect(Array.fromAsync(open(first, blob))).rejects.toMatchObject({
      name: "TemporaryFault",
      message: expect.stringContaining("git fetch took too long"),
    });
  } finally {
    silent.close();
  }
});

test("CodeCommit's source copies by git what its API does not return, and only then", async () => {
  const client = new CodeCommitClient({ region: "eu-central-1" });
  const cloned: string[] = [];
  const responses: Readonly<Record<string, unknown>> = {
    GetCommitCommand: { commit: { commitId: first } },
    GetFolderCommand: {
      files: [
        { absolutePath: "models/toy/model.onnx", blobId: blob },
        { absolutePath: "models/toy/model.yaml", blobId: "small" },
      ],
    },
  };
  client.send = async (command: { constructor: { name: string }; input: { blobId?: string } }) => {
    if (command.input.blobId === blob) {
      const { FileTooLargeException } = await import("@aws-sdk/client-codecommit");
      throw new FileTooLargeException({ message: "too large", $metadata: {} });
    }
    return command.input.blobId === undefined
      ? responses[command.constructor.name]
      : { content: Buffer.from("name: toy") };
  };
  const open = clone("source");
  const copy = (openLargeBlob?: typeof open) =>
    createCodeCommitSource(
      createCodeCommitReader({ client, repository: "models", openLargeBlob }),
    ).copyModelFiles("toy", first, folder.path);
  await expect(copy()).rejects.toMatchObject({ name: "ModelFilesRefused" });
  const copies = await createTemporaryFolder();
  const files = await createCodeCommitSource(
    createCodeCommitReader({
      client,
      repository: "models",
      openLargeBlob: (commit, id) => {
        cloned.push(id);
        return open(commit, id);
      },
    }),
  ).copyModelFiles("toy", first, copies.path);
  expect([...files].map(([name, { size }]) => [name, size])).toEqual([
    ["model.onnx", large.byteLength],
    ["model.yaml", 9],
  ]);
  expect(cloned).toEqual([blob]);
  await copies.remove();
});

test("the address is that of CodeCommit's git server in the region", () => {
  expect(toCodeCommitUrl("eu-central-1", "models")).toBe(
    "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/models",
  );
});
