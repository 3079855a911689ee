/** `slipway check`, `image` and `serve` on a folder whose artefact is elsewhere. */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGitRepository } from "#test/support/git-repository.ts";
import { createFixture, type Fixture, repositoryRoot } from "./fixture.ts";
import { runSlipway } from "./run-slipway.ts";

const artifact = readFileSync(join(repositoryRoot, "models", "churn", "model.onnx"));
const sha256 = createHash("sha256").update(artifact).digest("hex");
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${artifact.byteLength}\n`;

describe("a model's folder", () => {
  let fixture: Fixture;
  let repository: Awaited<ReturnType<typeof createGitRepository>>;
  let folder: string;
  beforeEach(async () => {
    fixture = await createFixture();
    repository = await createGitRepository();
    folder = join(repository.path, "models", "churn");
    cpSync(join(repositoryRoot, "models", "churn"), folder, { recursive: true });
  });
  afterEach(async () => {
    await repository.remove();
    await fixture.remove();
  });
  const setArtifact = (text: string) => {
    const file = join(folder, "model.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace(/^artifact:.*$/m, `artifact: ${text}`));
  };
  const moveTo = (path: string) => {
    mkdirSync(dirname(join(repository.path, path)), { recursive: true });
    renameSync(join(folder, "model.onnx"), join(repository.path, path));
  };
  const check = async () => {
    const { code, stdout } = await runSlipway(fixture, ["check", folder, "--json"]);
    return { code, problems: JSON.parse(stdout) as { severity: string; file: string; message: string }[] };
  };
  const buildImage = async () => {
    const data = join(fixture.folder, "data");
    const { code, stdout, stderr } = await runSlipway(fixture, ["image", folder, "--json", "--data", data]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  };

  test("with an address or a pulled pointer is checked, and its image holds the artefact", async () => {
    const plain = await buildImage();
    moveTo("artefacts/churn.onnx");
    setArtifact(`{ uri: "file:artefacts/churn.onnx", sha256: "${sha256}" }`);
    expect(await check()).toEqual({ code: 0, problems: [] });
    const byAddress = await buildImage();
    expect(byAddress.contents.artifact).toBe(sha256);

    setArtifact("model.onnx");
    writeFileSync(join(folder, "model.onnx"), pointer);
    const objects = join(repository.path, ".git", "lfs", "objects", sha256.slice(0, 2), sha256.slice(2, 4));
    mkdirSync(objects, { recursive: true });
    cpSync(join(repository.path, "artefacts", "churn.onnx"), join(objects, sha256));
    expect(await check()).toEqual({ code: 0, problems: [] });
    expect((await buildImage()).digest).toBe(plain.digest);
  });

  test.each([
    [
      "that was not pulled",
      () => writeFileSync(join(folder, "model.onnx"), pointer.replace(sha256, "a".repeat(64))),
      /is not on this machine/,
    ],
    [
      "to a host that is not allowed",
      () => {
        rmSync(join(folder, "model.onnx"));
        setArtifact(`{ uri: "https://models.example.com/churn.onnx", sha256: "${"a".repeat(64)}" }`);
      },
      /not an allowed host/,
    ],
    [
      "to a file with another hash",
      () => {
        moveTo("artefacts/churn.onnx");
        setArtifact(`{ uri: "file:artefacts/churn.onnx", sha256: "${"a".repeat(64)}" }`);
      },
      /has the SHA-256/,
    ],
    [
      "that leads out of the repository by a link",
      () => {
        rmSync(join(folder, "model.onnx"));
        repository.git("config", "core.symlinks", "true");
        mkdirSync(join(repository.path, "artefacts"));
        cpSync("/etc/hostname", join(fixture.folder, "outside"));
        symlinkSync(join(fixture.folder, "outside"), join(repository.path, "artefacts", "churn.onnx"));
        setArtifact(`{ uri: "file:artefacts/churn.onnx", sha256: "${"a".repeat(64)}" }`);
      },
      /leads out of/,
    ],
  ])("with a reference %s is refused with a sentence", async (_, prepare, message) => {
    prepare();
    const { code, problems } = await check();
    expect(code).toBe(1);
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([
      expect.objectContaining({ file: "model.yaml", message: expect.stringMatching(message) }),
    ]);
  });

  test("prints addresses whole, and blames the address for what lies behind it", async () => {
    rmSync(join(folder, "model.onnx"));
    setArtifact(`{ uri: "https:host/churn.onnx", sha256: "${sha256}" }`);
    const malformed = await runSlipway(fixture, ["check", folder]);
    expect(malformed.stdout).toContain(`${join(folder, "model.yaml")}:`);
    expect(malformed.stdout).toContain("https://host/path (without a query), s3://bucket/key");

    const other = Buffer.from("no onnx");
    writeFileSync(join(repository.path, "other.onnx"), other);
    setArtifact(`{ uri: "file:other.onnx", sha256: "${createHash("sha256").update(other).digest("hex")}" }`);
    const { code, problems } = await check();
    expect(code).toBe(1);
    expect(problems).toEqual([
      expect.objectContaining({
        file: "model.yaml",
        message: expect.stringMatching(/^file:other\.onnx: .*not an ONNX model/),
      }),
    ]);
  });

  test("says that an address was not read because its content is kept", async () => {
    moveTo("churn.onnx");
    writeFileSync(
      join(repository.path, "policy.yaml"),
      readFileSync(join(repositoryRoot, "policy.yaml"), "utf8").replace(
        "buckets: []",
        "buckets: [our-models]",
      ),
    );
    setArtifact(`{ uri: "file:churn.onnx", sha256: "${sha256}" }`);
    expect(await check()).toEqual({ code: 0, problems: [] });
    setArtifact(`{ uri: "s3://our-models/churn.onnx", sha256: "${sha256}" }`);
    const { code, stdout } = await runSlipway(fixture, ["check", folder]);
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(
      /The artefact was taken from \S+[0-9a-f]{64}; s3:\/\/our-models\/churn\.onnx was not read\./,
    );
  });

  test("warns of a form that CodeCommit cannot deliver, and refuses an image limit below the artefact", async () => {
    moveTo("churn.onnx");
    setArtifact(`{ uri: "file:churn.onnx", sha256: "${sha256}" }`);
    repository.git("remote", "add", "origin", "codecommit::eu-central-1://models");
    const file = join(folder, "model.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace(/imageSizeMb: .*/, "imageSizeMb: 0.001"));
    expect(await check()).toMatchObject({
      code: 1,
      problems: expect.arrayContaining([
        expect.objectContaining({
          severity: "warning",
          message: "file: works on one machine only; a delivery on AWS ends with ArtifactRefused",
        }),
        expect.objectContaining({ severity: "error", path: "gates.imageSizeMb" }),
      ]),
    });
  });

  test("names each file above 6 MB but the artefact: a warning, and an error where CodeCommit has the repository", async () => {
    writeFileSync(join(folder, "notes.csv"), "x".repeat(6_100_000));
    expect(await check()).toMatchObject({
      code: 0,
      problems: [{ severity: "warning", file: "notes.csv", message: expect.stringMatching(/6\.1 MB/) }],
    });
    repository.git("remote", "add", "origin", "codecommit::eu-central-1://models");
    expect(await check()).toMatchObject({ code: 1, problems: [{ severity: "error", file: "notes.csv" }] });
  });
});
