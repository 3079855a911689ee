import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseBuiltImage } from "#domain/delivery/parse-built-image.ts";
import { createProvenanceStore, type ProvenanceStore } from "#domain/provenance/provenance-store.ts";
import { packBuilder } from "#packaging/builder-archive.ts";
import { createS3Blobs } from "#platform/blobs/s3.ts";
import { createKmsSigner } from "#platform/signer/kms.ts";
import { installCrane, requireCrane, startRegistry } from "#test/peers/crane.ts";
import { createSigningKey } from "#test/peers/create-signing-key.ts";
import { motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { hashGitBlob } from "#test/support/fake-build.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { runBuildspec } from "./run-buildspec.ts";

const tests = "tests of packaging/buildspec.yml";
const skip = requireCrane(tests).skip || requirePython(tests).skip;
const run = promisify(execFile);
const root = join(import.meta.dirname, "..");
const bucket = "slipway-artefacts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe.skipIf(skip)("packaging/buildspec.yml, run like on CodeBuild", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  let repository: Awaited<ReturnType<typeof createGitRepository>>;
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let s3: S3Client;
  let proofs: ProvenanceStore;
  let bin: string;
  let base: string;
  let key: string;
  let builder: Buffer;
  /** Go's settings for module proxy and caches, so that each module is downloaded once. */
  let go: Readonly<Record<string, string>>;
  let commit: string;
  let churn: Map<string, Buffer>;
  const runtimes = new Map<string, string>();
  const withCrane = async (...options: readonly string[]) =>
    (await run(join(bin, "crane"), options, { maxBuffer: 1 << 28 })).stdout.trim();

  const layer = async (name: string): Promise<string> => {
    const tar = pack();
    tar.entry({ name, mode: 0o755, mtime: new Date(0) }, "#!/bin/sh\n");
    tar.finalize();
    const file = join(folder.path, `${name.replaceAll("/", "-")}.tar`);
    await writeFile(file, await buffer(tar));
    return file;
  };

  /** A base image for both architectures with the parts of Lambda's that Slipway needs: entry point and task root. */
  const makeBase = async (): Promise<string> => {
    const file = await layer("lambda-entrypoint.sh");
    const name = `${registry.address}/lambda/nodejs`;
    const images: string[] = [];
    for (const architecture of ["amd64", "arm64"]) {
      const tag = `${name}:${architecture}`;
      await withCrane("append", "--oci-empty-base", "-f", file, "-t", tag);
      const platform = ["--set-platform", `linux/${architecture}`];
      const like = ["--entrypoint", "/lambda-entrypoint.sh", "--env", "LAMBDA_TASK_ROOT=/var/task"];
      await withCrane("mutate", tag, ...platform, ...like, "-t", tag);
      images.push("-m", tag);
    }
    await withCrane("index", "append", ...images, "-t", `${name}:24`);
    return `${name}@${await withCrane("digest", `${name}:24`)}`;
  };

  const script = async (name: string, text: string) => {
    const file = join(folder.path, "bin", name);
    await writeFile(file, `#!/bin/sh\n${text}`);
    await chmod(file, 0o755);
  };
  /** The tools of CodeBuild's machines. npm installs the builder's packages once. */
  const makeTools = async () => {
    await mkdir(join(folder.path, "bin"));
    // The build must not run this one, because it is not the builder's.
    await script("crane", "echo this crane is the image's own >&2; exit 1\n");
    await script(
      "aws",
      `[ "$1 $2 $3" = "s3 cp --no-progress" ] && exec curl -sSf --aws-sigv4 "aws:amz:$AWS_REGION:s3" -u test:test -o "$5" "$AWS_ENDPOINT_URL/\${4#s3://}"\nexit 2\n`,
    );
    // Node resolves packages from one another only in a folder of this name.
    const installed = join(folder.path, "installed", "node_modules");
    await mkdir(join(folder.path, "installed"));
    const { stdout: npm } = await run("sh", ["-c", "command -v npm"]);
    await script(
      "npm",
      `[ "$*" = "ci --ignore-scripts --omit=dev" ] || exit 2
[ -d "${installed}" ] || { HOME="${homedir()}" "${npm.trim()}" "$@" --prefer-offline && mv node_modules "${installed}"; } || exit 1
ln -s "${installed}" node_modules
`,
    );
  };

  const environment = (over: Readonly<Record<string, string>> = {}) => ({
    PATH: `${join(folder.path, "bin")}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder.path,
    ...go,
    AWS_ENDPOINT_URL: moto.endpoint,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    CODEBUILD_BUILD_ID: "slipway-build:1",
    BUILDER_DIGEST: `sha256:${sha256(builder)}`,
    PROVENANCE_BUCKET: bucket,
    SIGNER_KEY: key,
    SOURCE_HOST: "codecommit",
    SOURCE_REPOSITORY: "models",
    SECRETS_PREFIX: "/slipway/",
    BASE_IMAGE: base,
    IMAGE_REPOSITORY_URI: `${registry.address}/slipway`,
    ARCHITECTURE: "arm64",
    SLIPWAY_MODEL: "churn",
    SLIPWAY_COMMIT: commit,
    SLIPWAY_RUNTIME: runtimes.get("arm64") ?? "",
    ...over,
  });
  let sources = 0;
  /** Runs a build in its own empty folder, like a project without a source. */
  const build = async (over?: Readonly<Record<string, string>>) => {
    const source = join(folder.path, `source-${sources++}`);
    await mkdir(source);
    const result = await runBuildspec(source, environment(over));
    expect(await readdir(source)).toEqual([]);
    return result;
  };

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    bin = await installCrane();
    registry = await startRegistry();
    repository = await createGitRepository();
    churn = new Map();
    for (const name of await readdir(join(root, "models", "churn")))
      churn.set(name, await readFile(join(root, "models", "churn", name)));
    commit = await repository.commit(
      {
        ...Object.fromEntries([...churn].map(([name, bytes]) => [`models/churn/${name}`, bytes])),
        "models/broken/model.yaml": "name: broken\n",
      },
      "churn",
    );
    const settings = ["GOPROXY", "GOSUMDB", "GOMODCACHE", "GOCACHE"];
    go = JSON.parse((await run("go", ["env", "-json", ...settings])).stdout);
    await makeTools();
    moto = await startMoto({ CODECOMMIT_REPOSITORY: repository.path });
    s3 = new S3Client({ ...motoClientConfig(moto.endpoint), forcePathStyle: true });
    await s3.send(
      new CreateBucketCommand({
        Bucket: bucket,
        CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
      }),
    );
    const kms = new KMSClient(motoClientConfig(moto.endpoint));
    key = await createSigningKey(kms);
    proofs = createProvenanceStore({
      blobs: createS3Blobs({ client: s3, bucket }),
      signer: createKmsSigner({ client: kms, key }),
    });
    builder = await buffer(await packBuilder());
    await s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: `builder/${sha256(builder)}.tar`, Body: builder }),
    );
    base = await makeBase();
    for (const [architecture, platform] of [
      ["x86_64", "linux/amd64"],
      ["arm64", "linux/arm64"],
    ] as const) {
      const options = ["image", join(root, "models", "churn"), "--platform", platform, "--json"];
      const data = join(folder.path, "data");
      const { stdout } = await run(process.execPath, [
        join(root, "cli", "slipway.mjs"),
        ...options,
        "--data",
        data,
      ]);
      runtimes.set(architecture, JSON.parse(stdout).runtime);
    }
  }, 600_000);
  afterAll(async () => {
    s3?.destroy();
    await moto?.stop();
    await registry?.stop();
    await repository?.remove();
    await folder?.remove();
  });

  test.each([
    ["x86_64", "amd64"],
    ["arm64", "arm64"],
  ])(
    "for %s the build pushes an image of base, runtime and model, and signs its provenance",
    async (architecture, named) => {
      const over = { ARCHITECTURE: architecture, SLIPWAY_RUNTIME: runtimes.get(architecture) ?? "" };
      const { status, variables, log } = await build(over);
      expect(log).toMatch(new RegExp(`churn at ${commit} is sha256:[0-9a-f]{64}, \\d+ bytes`));
      expect(status).toBe("SUCCEEDED");
      const exported = Object.entries(variables).map(([Name, Value]) => ({ Name, Value }));
      const built = parseBuiltImage(exported);
      expect(built.buildId).toBe("slipway-build:1");
      expect(variables.SLIPWAY_ERROR).toBe("");

      const image = `${registry.address}/slipway@${built.digest}`;
      const config = JSON.parse(await withCrane("config", image));
      expect([config.os, config.architecture]).toEqual(["linux", named]);
      expect(config.config).toMatchObject({
        Entrypoint: ["/lambda-entrypoint.sh"],
        Cmd: ["index.handler"],
        Env: expect.arrayContaining(["LAMBDA_TASK_ROOT=/var/task"]),
        WorkingDir: "/var/task",
      });
      const manifest = JSON.parse(await withCrane("manifest", image));
      expect(manifest.layers).toHaveLength(3);
      const sizes = [manifest.config, ...manifest.layers].map(({ size }: { size: number }) => size);
      expect(built.sizeBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
      // The layers have the contents of `slipway image`; the delivery names the runtime's digest.
      expect(config.rootfs.diff_ids[1]).toBe(over.SLIPWAY_RUNTIME);

      const pulled = join(folder.path, `${architecture}.tar`);
      await withCrane("export", image, pulled);
      const files = (await run("tar", ["tf", pulled])).stdout.split("\n");
      expect(files).toEqual(
        expect.arrayContaining([
          "lambda-entrypoint.sh",
          "var/task/index.mjs",
          "var/task/model/model.onnx",
          "var/task/model/model.yaml",
        ]),
      );
      expect(files.filter((file) => file.includes("onnxruntime-node/bin") && file.endsWith(".node"))).toEqual(
        [expect.stringContaining(`/linux/${named === "amd64" ? "x64" : "arm64"}/`)],
      );

      const expected = {
        digest: built.digest,
        model: "churn",
        commit,
        runtime: over.SLIPWAY_RUNTIME,
        builder: environment().BUILDER_DIGEST,
        files: Object.fromEntries([...churn].map(([name, bytes]) => [name, sha256(bytes)])),
      };
      expect(await proofs.verify(expected)).toMatchObject({
        builderId: "urn:slipway:builder:codebuild",
        buildId: "slipway-build:1",
        keyId: key,
      });
      await expect(proofs.verify({ ...expected, commit: "d".repeat(40) })).rejects.toMatchObject({
        name: "ProvenanceMissing",
      });
    },
    180_000,
  );

  test("the same commit and runtime give the same digest and tag in every registry", async () => {
    const first = await build();
    const found = await build({ CODEBUILD_BUILD_ID: "slipway-build:2" });
    expect(found.variables.SLIPWAY_DIGEST).toBe(first.variables.SLIPWAY_DIGEST);
    expect(found.variables.SLIPWAY_BUILD_ID).toBe("slipway-build:2");
    const elsewhere = await build({ IMAGE_REPOSITORY_URI: `${registry.address}/elsewhere` });
    expect(elsewhere.variables.SLIPWAY_DIGEST).toBe(first.variables.SLIPWAY_DIGEST);
    expect(await withCrane("ls", `${registry.address}/elsewhere`)).toMatch(/^churn-[0-9a-f]{16}$/);
  });

  test("a poisoned tag is never delivered: the build pushes its own image with another tag", async () => {
    const uri = `${registry.address}/poisoned`;
    const honest = await build({ IMAGE_REPOSITORY_URI: `${registry.address}/honest` });
    const tag = await withCrane("ls", `${registry.address}/honest`);
    const poison = await layer("var/task/index.mjs");
    await withCrane("append", "-b", `${registry.address}/honest:${tag}`, "-f", poison, "-t", `${uri}:${tag}`);
    const poisoned = await withCrane("digest", `${uri}:${tag}`);

    const attacked = await build({ IMAGE_REPOSITORY_URI: uri });
    expect(attacked.status).toBe("SUCCEEDED");
    expect(attacked.variables.SLIPWAY_DIGEST).toBe(honest.variables.SLIPWAY_DIGEST);
    expect(attacked.variables.SLIPWAY_DIGEST).not.toBe(poisoned);
    expect(attacked.log).toContain(`${tag} is the tag of another image`);
    const tags = (await withCrane("ls", uri)).split("\n").toSorted();
    expect(tags).toEqual([tag, expect.stringMatching(new RegExp(`^${tag}-[0-9a-f]{32}$`))]);
    expect(await withCrane("digest", `${uri}:${tag}`)).toBe(poisoned);
    expect(await withCrane("digest", `${uri}:${tags[1]}`)).toBe(honest.variables.SLIPWAY_DIGEST);
    await expect(proofs.verify({ digest: poisoned, model: "churn", commit })).rejects.toMatchObject({
      name: "ProvenanceMissing",
    });
    // If the second tag is poisoned, too, the build fails with an explanation.
    await withCrane("tag", `${uri}:${tag}`, tags[1] ?? "");
    const { status, variables } = await build({ IMAGE_REPOSITORY_URI: uri });
    expect([status, variables.SLIPWAY_DIGEST, variables.SLIPWAY_ERROR]).toEqual([
      "FAILED",
      "",
      "ImageBuildFailed",
    ]);
    expect(variables.SLIPWAY_CAUSE).toMatch(/someone else pushes there/);
  });

  test("nothing of a commit runs or is read as configuration: scripts, settings of npm and of the build, the builder's files", async () => {
    const honest = await build();
    const ran = join(folder.path, "ran");
    const touch = `touch ${ran}`;
    const program = `require("node:fs").writeFileSync(${JSON.stringify(ran)}, "");\n`;
    const module = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(ran)}, "");\n`;
    const scripts = { preinstall: touch, install: touch, postinstall: touch, prepare: touch };
    const packageJson = JSON.stringify({ name: "slipway", scripts, type: "module" });
    const spec = `version: 0.2\nphases: { install: { commands: ["${touch}"] }, build: { commands: ["${touch}"] } }\n`;
    await repository.commit(
      {
        "package.json": packageJson,
        ".npmrc": `script-shell=${ran}\nnode-options=--require=./evil.cjs\nignore-scripts=false\n`,
        "evil.cjs": program,
        "buildspec.yml": spec,
        "packaging/buildspec.yml": spec,
        "worlds/aws/build/build-image.ts": module,
        "packaging/bundle-runtime.ts": module,
        "lambdas/predict/handler.ts": module,
        ".gitattributes": "* filter=evil\n",
        ".gitmodules": `[submodule "evil"]\n\tpath = evil\n\turl = ext::sh -c ${touch}\n\tupdate = !${touch}\n`,
        ".githooks/post-checkout": `#!/bin/sh\n${touch}\n`,
        "models/churn/package.json": packageJson,
        "models/churn/.npmrc": "node-options=--require=./evil.cjs\n",
        "models/churn/evil.cjs": program,
        "models/churn/index.mjs": module,
      },
      "all that might run",
    );
    repository.git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},evil`);
    repository.git("commit", "--quiet", "--message", "a submodule");
    const hostile = repository.git("rev-parse", "HEAD").toString("utf8").trim();

    const { status, variables, log } = await build({ SLIPWAY_COMMIT: hostile });
    expect(log).toContain(`churn at ${hostile}`);
    expect(status).toBe("SUCCEEDED");
    expect(variables.SLIPWAY_DIGEST).toBe(honest.variables.SLIPWAY_DIGEST);
    expect(await readdir(folder.path)).not.toContain("ran");
    // The provenance still lists every file of the folder.
    await expect(
      proofs.verify({
        digest: variables.SLIPWAY_DIGEST ?? "",
        model: "churn",
        commit: hostile,
        gitBlobs: new Map([...churn].map(([name, bytes]) => [name, hashGitBlob(bytes)])),
      }),
    ).rejects.toMatchObject({ name: "ProvenanceDiffers", message: expect.stringContaining("evil.cjs") });
  });

  test("an invalid model, and a link out of its folder, fail the build with a named error", async () => {
    await repository.commit(
      {
        ...Object.fromEntries([...churn].map(([name, bytes]) => [`models/churn/${name}`, bytes])),
        "models/churn/model.onnx": Buffer.from("#!/bin/sh\nexit 0\n"),
        "models/linked/model.yaml": "name: linked\n",
      },
      "no model",
    );
    await symlink("/etc/passwd", join(repository.path, "models", "linked", "model.onnx"));
    const hostile = await repository.commit({}, "a link");
    const none = await build({ SLIPWAY_COMMIT: hostile });
    expect([none.status, none.variables.SLIPWAY_DIGEST]).toEqual(["FAILED", ""]);
    expect(none.variables.SLIPWAY_ERROR).toMatch(/^(ManifestInvalid|ModelUnreadable)$/);
    const linked = await build({ SLIPWAY_COMMIT: hostile, SLIPWAY_MODEL: "linked" });
    expect(linked.variables).toMatchObject({
      SLIPWAY_DIGEST: "",
      SLIPWAY_ERROR: "ImageBuildFailed",
      SLIPWAY_CAUSE: expect.stringMatching(/link/),
    });
  });

  test("a changed or missing builder builds nothing", async () => {
    const Key = `builder/${sha256(builder)}.tar`;
    const changed = Buffer.from(builder);
    changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: changed }));
    try {
      const { status, variables } = await build();
      expect([status, variables.SLIPWAY_ERROR]).toEqual(["FAILED", "ImageBuildFailed"]);
      expect(variables.SLIPWAY_CAUSE).toMatch(/someone changed it/);
    } finally {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: builder }));
    }
    const absent = await build({ BUILDER_DIGEST: `sha256:${"0".repeat(64)}` });
    expect(absent.variables).toMatchObject({
      SLIPWAY_ERROR: "ImageBuildFailed",
      SLIPWAY_CAUSE: expect.stringMatching(/npm run build/),
    });
  });

  test("a build fails unless crane matches the builder's go.sum", async () => {
    const line = /go-containerregistry v[\d.]+ h1:(.{44})/.exec(builder.toString("latin1"));
    const changed = Buffer.from(builder);
    const at = builder.indexOf(line?.[1] ?? "not there");
    changed[at] = changed[at] === 65 ? 66 : 65;
    const Key = `builder/${sha256(changed)}.tar`;
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: changed }));
    const { status, variables, log } = await build({ BUILDER_DIGEST: `sha256:${sha256(changed)}` });
    expect(log).toContain("checksum mismatch");
    expect([status, variables.SLIPWAY_DIGEST, variables.SLIPWAY_ERROR]).toEqual([
      "FAILED",
      "",
      "ImageBuildFailed",
    ]);
    expect(variables.SLIPWAY_CAUSE).toMatch(/^crane could not be built by go version go1/);
  });

  test.each([
    ["an older Node", "node", "echo v22.22.1", /has Node v22\.22\.1, and the builder needs 24 or later/],
    ["no Node", "node", "exit 127", /has no Node, and the builder needs 24 or later/],
    ["no Go", "go", "exit 127", /has no Go, which builds crane/],
    [
      "an older Go",
      "go",
      '[ "$1" = version ] || { echo "go: go.mod requires go >= 1.25.0 (running go 1.20.14)"; exit 1; }; echo go version go1.20.14 linux/arm64',
      /could not be built by go version go1\.20\.14/,
    ],
  ])(
    "a build image with %s fails the build with the remedy",
    async (_, name, text, cause) => {
      const old = join(folder.path, `old-${sources}`);
      await mkdir(old);
      await writeFile(join(old, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      const { status, variables } = await build({ PATH: `${old}:${environment().PATH}` });
      expect([status, variables.SLIPWAY_DIGEST, variables.SLIPWAY_ERROR]).toEqual([
        "FAILED",
        "",
        "ImageBuildFailed",
      ]);
      expect(variables.SLIPWAY_CAUSE).toMatch(cause);
      expect(variables.SLIPWAY_CAUSE).toMatch(/put a newer image into images\.buildImage .* apply the stack/);
    },
    180_000,
  );

  test.each([
    ["a broken manifest", { SLIPWAY_MODEL: "broken" }, "ManifestInvalid", /model\.yaml:1/],
    [
      "another runtime than the delivery's",
      { SLIPWAY_RUNTIME: `sha256:${"0".repeat(64)}` },
      "ImageBuildFailed",
      /deliver again/,
    ],
    ["no base image", { BASE_IMAGE: "" }, "ImageBuildFailed", /slipway doctor/],
    [
      "a base image by tag",
      { BASE_IMAGE: "public.ecr.aws/lambda/nodejs:24" },
      "ImageBuildFailed",
      /names no digest/,
    ],
    ["no repository", { IMAGE_REPOSITORY_URI: "" }, "ImageBuildFailed", /IMAGE_REPOSITORY_URI is not set/],
    [
      "a registry that is not there",
      { IMAGE_REPOSITORY_URI: "127.0.0.1:9/slipway" },
      "ImageBuildFailed",
      /could not be pushed to 127\.0\.0\.1:9/,
    ],
  ])(
    "%s fails the build with a named error and exports no image",
    async (_, over, name, cause) => {
      const { status, variables, log } = await build(over);
      expect(status).toBe("FAILED");
      expect(variables).toMatchObject({
        SLIPWAY_ERROR: name,
        SLIPWAY_CAUSE: expect.stringMatching(cause),
        SLIPWAY_DIGEST: "",
      });
      expect(log).toContain(`${name}: `);
    },
    180_000,
  );
});
