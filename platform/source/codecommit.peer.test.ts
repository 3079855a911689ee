import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { CodeCommitClient } from "@aws-sdk/client-codecommit";
import { describe, expect, test } from "vitest";
import { sourceContract } from "#test/contracts/source.ts";
import { startFaultProxy } from "#test/peers/fault-proxy.ts";
import { motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { readAllModelFiles } from "#test/support/copy-model-files.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { createCodeCommitSource } from "./codecommit.ts";
import { createCodeCommitHistory } from "./codecommit-history.ts";
import { createCodeCommitReader } from "./codecommit-reader.ts";

const { skip } = requirePython("tests of CodeCommit");

/** `faults`: the share of calls that are throttled, fail, are cut off or lose their response. */
const startCodeCommit = async ({ faults = 0 } = {}) => {
  const repository = await createGitRepository();
  const moto = await startMoto({ CODECOMMIT_REPOSITORY: repository.path });
  const proxy = await startFaultProxy({ target: moto.endpoint, share: faults, seed: 20_261_121 });
  const client = new CodeCommitClient(motoClientConfig(proxy.endpoint));
  const reader = createCodeCommitReader({ client, repository: "models" });
  return {
    repository,
    source: { ...createCodeCommitSource(reader), ...createCodeCommitHistory(reader) },
    close: async () => {
      client.destroy();
      await proxy.stop();
      await moto.stop();
      await repository.remove();
    },
  };
};

for (const faults of skip ? [] : [0, 0.08])
  sourceContract(`CodeCommit, on moto over a git repository${faults ? ", with faults" : ""}`, async () => {
    const { source, repository, close } = await startCodeCommit({ faults });
    return { source, commit: repository.commit, git: repository.git, close };
  });

describe.skipIf(skip)("a model's folder in CodeCommit", () => {
  test("a symbolic link and a file larger than the service returns are refused by name", async () => {
    const { source, repository, close } = await startCodeCommit();
    try {
      const large = await repository.commit(
        { "models/large/model.onnx": new Uint8Array(7 * 1024 * 1024) },
        "A large file",
      );
      await expect(readAllModelFiles(source, "large", large)).rejects.toMatchObject({
        name: "ModelFilesRefused",
        message: expect.stringMatching(/model.onnx is larger than the 6 MB .* make the file smaller/),
      });
      await symlink("/etc/passwd", join(repository.path, "models/large/link"));
      const link = await repository.commit({ "models/large/model.onnx": null }, "A link");
      await expect(readAllModelFiles(source, "large", link)).rejects.toMatchObject({
        message: expect.stringMatching(/models\/large\/link is a symbolic link/),
      });
    } finally {
      await close();
    }
  });
});
