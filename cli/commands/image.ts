import { basename, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { resolveFolderFiles } from "#cli/folder-artifact.ts";
import { selectDataFolder } from "#cli/folders.ts";
import { dataOption, jsonOption } from "#cli/options.ts";
import { print, printJson } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { assertModelFolder, copyModelFolder } from "#cli/read-model-folder.ts";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { openLocalImages } from "#packaging/local-images.ts";
import { type Platform, platforms } from "#platform/images/runtime-layer.ts";

/** Containers call a platform amd64 that Node and onnxruntime call x64. */
const parsePlatform = (text: string): Platform => {
  const platform = platforms.find((known) => known === text.replace(/\/amd64$/, "/x64"));
  if (platform) return platform;
  throw new InvalidArgumentError(`write one of ${platforms.join(", ")} (linux/amd64 is linux/x64)`);
};

const buildImage = async (folder: string, options: { platform?: Platform; data?: string }) => {
  const model = ModelName.safeParse(basename(resolve(folder)));
  if (!model.success)
    throw new UsageMistake(`${folder} is not a model's folder: ${model.error.issues[0]?.message}`);
  // The build would report it as its own failure.
  await assertModelFolder(folder);
  showProgress(`Building the image of ${folder}`);
  const { images: imagesFolder } = selectDataFolder(options.data);
  const {
    images,
    imageRoot,
    layerFiles,
    runtime: runtimeHash,
  } = await openLocalImages({
    folder: { images: imagesFolder },
    // The working folder, not a commit.
    source: { copyModelFiles: (_model, _commit, into) => copyModelFolder(folder, into) },
    platform: options.platform,
    clock: Date.now,
  });
  const runtime = await runtimeHash();
  const build = await images.build(
    { model: model.data, commit: "working folder", runtime },
    { resolveFiles: resolveFolderFiles(folder, options.data) },
  );
  const [root, layers] = [await imageRoot(build.digest), await layerFiles(build.digest)];
  return { model: model.data, ...build, runtime, root, layers };
};

/** `slipway image`: builds the image of a working folder, as a delivery does with a commit. */
export const imageCommand = (): Command =>
  new Command("image")
    .description("build a model's image; equal files and platform give an equal digest")
    .argument("<folder>", "models/<name>")
    .option(
      "--platform <platform>",
      "the image's platform: linux/amd64, linux/arm64, darwin/arm64 (default: this machine's)",
      parsePlatform,
    )
    .addOption(jsonOption("digest, size, runtime and folders of the image"))
    .addOption(dataOption())
    .action(async (folder: string, options: { platform?: Platform; json?: boolean; data?: string }) => {
      const build = await buildImage(folder, options);
      if (options.json) return printJson(build);
      const { digest, sizeBytes, runtime, root } = build;
      print(`${digest}`);
      print(`  ${(sizeBytes / 1e6).toFixed(1)} MB, runtime ${runtime.slice(0, 19)}…`);
      print(`  unpacked in ${root}`);
    });
