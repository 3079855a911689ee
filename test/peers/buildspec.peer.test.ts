import { execFile } from "node:child_process";
import { chmod, cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { builtImage } from "../../domain/built-image.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { crane, cranePeer, startRegistry } from "./crane.ts";
import { runBuildspec } from "./run-buildspec.ts";

const { skip } = cranePeer("tests of buildspec.yml");
const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const commit = "c".repeat(40);

describe.skipIf(skip)("buildspec.yml, run as CodeBuild runs it", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  let bin: string;
  let base: string;
  const runtimes = new Map<string, string>();
  const withCrane = async (...options: readonly string[]) =>
    (await run(join(bin, "crane"), options, { maxBuffer: 1 << 28 })).stdout.trim();

  /** A base image for both architectures that has what Slipway relies on of Lambda's: entry point and task root. */
  const makeBase = async (): Promise<string> => {
    const tar = pack();
    tar.entry({ name: "lambda-entrypoint.sh", mode: 0o755, mtime: new Date(0) }, "#!/bin/sh\n");
    tar.finalize();
    const layer = join(folder.path, "base.tar");
    await writeFile(layer, await buffer(tar));
    const name = `${registry.address}/lambda/nodejs`;
    const images: string[] = [];
    for (const architecture of ["amd64", "arm64"]) {
      const tag = `${name}:${architecture}`;
      await withCrane("append", "--oci-empty-base", "-f", layer, "-t", tag);
      const platform = ["--set-platform", `linux/${architecture}`];
      const like = ["--entrypoint", "/lambda-entrypoint.sh", "--env", "LAMBDA_TASK_ROOT=/var/task"];
      await withCrane("mutate", tag, ...platform, ...like, "-t", tag);
      images.push("-m", tag);
    }
    await withCrane("index", "append", ...images, "-t", `${name}:24`);
    return `${name}@${await withCrane("digest", `${name}:24`)}`;
  };

  /** What the machines of CodeBuild have: the repository at the commit, node, go, and the AWS command line. */
  const environment = (over: Readonly<Record<string, string>> = {}) => ({
    PATH: `${bin}:${join(folder.path, "bin")}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder.path,
    CODEBUILD_BUILD_ID: "slipway-build:1",
    BASE_IMAGE: base,
    IMAGE_REPOSITORY_URI: `${registry.address}/slipway`,
    ARCHITECTURE: "arm64",
    SLIPWAY_MODEL: "churn",
    SLIPWAY_COMMIT: commit,
    SLIPWAY_RUNTIME: runtimes.get("arm64") ?? "",
    ...over,
  });
  const build = (over?: Readonly<Record<string, string>>) => runBuildspec(folder.path, environment(over));

  beforeAll(async () => {
    folder = await temporaryFolder();
    bin = await crane();
    registry = await startRegistry();
    for (const name of ["cli", "node_modules"]) await symlink(join(root, name), join(folder.path, name));
    await cp(join(root, "models"), join(folder.path, "models"), { recursive: true });
    await mkdir(join(folder.path, "models", "broken"));
    await writeFile(join(folder.path, "models", "broken", "model.yaml"), "name: broken\n");
    await mkdir(join(folder.path, "bin"));
    const aws = join(folder.path, "bin", "aws");
    await writeFile(aws, '#!/bin/sh\n[ "$*" = "ecr get-login-password" ] && echo password\n');
    await chmod(aws, 0o755);
    base = await makeBase();
    for (const [architecture, platform] of [
      ["x86_64", "linux/amd64"],
      ["arm64", "linux/arm64"],
    ] as const) {
      const options = ["image", "models/churn", "--platform", platform, "--json"];
      const data = join(folder.path, "data");
      const { stdout } = await run(process.execPath, ["cli/slipway.mjs", ...options, "--data", data], {
        cwd: folder.path,
      });
      runtimes.set(architecture, JSON.parse(stdout).runtime);
    }
  }, 180_000);
  afterAll(async () => {
    await registry?.stop();
    await folder?.remove();
  });

  test.each([
    ["x86_64", "amd64"],
    ["arm64", "arm64"],
  ])(
    "for %s the image lies in the registry: base, runtime and model, started by the handler",
    async (architecture, named) => {
      const over = { ARCHITECTURE: architecture, SLIPWAY_RUNTIME: runtimes.get(architecture) ?? "" };
      const { status, variables, log } = await build(over);
      expect(log).toMatch(/churn at c{40} is sha256:[0-9a-f]{64}, \d+ bytes/);
      expect(status).toBe("SUCCEEDED");
      const exported = Object.entries(variables).map(([Name, Value]) => ({ Name, Value }));
      const built = builtImage(exported);
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
      // The layers' contents are those of `slipway image`: the runtime's is named by the delivery.
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
    },
  );

  test("the same commit and runtime give the same digest, pushed again or found in the registry", async () => {
    const first = await build();
    const found = await build({ CODEBUILD_BUILD_ID: "slipway-build:2" });
    expect(found.variables.SLIPWAY_DIGEST).toBe(first.variables.SLIPWAY_DIGEST);
    expect(found.variables.SLIPWAY_BUILD_ID).toBe("slipway-build:2");
    const elsewhere = await build({ IMAGE_REPOSITORY_URI: `${registry.address}/elsewhere` });
    expect(elsewhere.variables.SLIPWAY_DIGEST).toBe(first.variables.SLIPWAY_DIGEST);
    expect(await withCrane("ls", `${registry.address}/elsewhere`)).toMatch(/^churn-[0-9a-f]{16}$/);
  });

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
  ])("%s fails the build by name, and no image is exported", async (_, over, name, cause) => {
    const { status, variables, log } = await build(over);
    expect(status).toBe("FAILED");
    expect(variables).toMatchObject({
      SLIPWAY_ERROR: name,
      SLIPWAY_CAUSE: expect.stringMatching(cause),
      SLIPWAY_DIGEST: "",
    });
    expect(log).toContain(`${name}: `);
  });
});
