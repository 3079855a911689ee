import { basename, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { selectDataFolder } from "#cli/folders.ts";
import { dataOption, jsonOption } from "#cli/options.ts";
import { print, printJson } from "#cli/print.ts";
import { readModelFolder } from "#cli/read-model-folder.ts";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { openLocalImages } from "#packaging/local-images.ts";
import { type Platform, platforms } from "#platform/images/runtime-layer.ts";

/** As containers name a platform; Node and onnxruntime say x64. */
const parsePlatform = (named: string): Platform => {
  const platform = platforms.find((one) => one === named.replace(/\/amd64$/, "/x64"));
  if (platform) return platform;
  throw new InvalidArgumentError(`It is one of ${platforms.join(", ")}; linux/amd64 is linux/x64.`);
};

const buildImage = async (folder: string, options: { platform?: Platform; data?: string }) => {
  const model = ModelName.safeParse(basename(resolve(folder)));
  if (!model.success)
    throw new UsageMistake(`${folder} is no model's folder: ${model.error.issues[0]?.message}`);
  const files = await readModelFolder(folder);
  const { images: folderOfImages } = selectDataFolder(options.data);
  const {
    images,
    imageRoot,
    layerFiles,
    runtime: runtimeHash,
  } = await openLocalImages({
    folder: { images: folderOfImages },
    // Not a commit: what lies in the folder now.
    source: { modelFiles: async () => files },
    platform: options.platform,
    clock: Date.now,
  });
  const runtime = await runtimeHash();
  const build = await images.build({ model: model.data, commit: "working folder", runtime });
  const [root, layers] = [await imageRoot(build.digest), await layerFiles(build.digest)];
  return { model: model.data, ...build, runtime, root, layers };
};

/** `slipway image`: the build that a delivery runs, on a model's folder as it lies here. */
export const imageCommand = (): Command =>
  new Command("image")
    .description("build a model's image: the same files and platform give the same digest")
    .argument("<folder>", "models/<name>")
    .option(
      "--platform <platform>",
      "what the image is for: linux/amd64, linux/arm64, darwin/arm64 (default: this machine)",
      parsePlatform,
    )
    .addOption(jsonOption())
    .addOption(dataOption())
    .action(async (folder: string, options: { platform?: Platform; json?: boolean; data?: string }) => {
      if (options.json) {
        try {
          return printJson(await buildImage(folder, options));
        } catch (fault) {
          // For a program that started this build: the name is what a delivery would end with.
          if (fault instanceof Error) printJson({ error: { name: fault.name, message: fault.message } });
          throw fault;
        }
      }
      const { digest, sizeBytes, runtime, root } = await buildImage(folder, options);
      print(`${digest}`);
      print(`  ${(sizeBytes / 1e6).toFixed(1)} MB, runtime ${runtime.slice(0, 19)}…`);
      print(`  unpacked in ${root}`);
    });
