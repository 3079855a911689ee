import { basename, resolve } from "node:path";
import { Command, Option } from "commander";
import { ModelName } from "../../inference/manifest.ts";
import { type Platform, platforms } from "../../platform/images/runtime-layer.ts";
import { localImages } from "../../rehearsal/local-images.ts";
import { UsageMistake } from "../exit-code.ts";
import { folderOf } from "../open-world.ts";
import { dataOption, jsonOption } from "../options.ts";
import { print, printJson } from "../print.ts";
import { readFolder } from "./check.ts";

/** `slipway image`: the build that a delivery runs, on a model's folder as it lies here. */
export const imageCommand = (): Command =>
  new Command("image")
    .description("build a model's image: the same files and platform give the same digest")
    .argument("<folder>", "models/<name>")
    .addOption(
      new Option("--platform <platform>", "what the image is for (default: this machine)").choices(platforms),
    )
    .addOption(jsonOption())
    .addOption(dataOption())
    .action(async (folder: string, options: { platform?: Platform; json?: boolean; data?: string }) => {
      const model = ModelName.safeParse(basename(resolve(folder)));
      if (!model.success)
        throw new UsageMistake(`${folder} is no model's folder: ${model.error.issues[0]?.message}`);
      const files = await readFolder(folder);
      const { images: folderOfImages } = folderOf(options.data);
      const { images, imageRoot, runtime } = await localImages({
        folder: { images: folderOfImages },
        // Not a commit: what lies in the folder now.
        source: { modelFiles: async () => files },
        platform: options.platform,
        clock: Date.now,
      });
      const build = await images.build({ model: model.data, commit: "working folder", runtime });
      const root = await imageRoot(build.digest);
      if (options.json) return printJson({ model: model.data, ...build, runtime, root });
      print(`${build.digest}`);
      print(`  ${(build.sizeBytes / 1e6).toFixed(1)} MB, runtime ${runtime.slice(0, 19)}…`);
      print(`  unpacked in ${root}`);
    });
