import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { dataFolder } from "#worlds/embedded/data/data-folder.ts";

/** Slipway's own folder. */
export const checkout = fileURLToPath(new URL("..", import.meta.url));

/** The data folder: `--data`, or `.slipway` in Slipway's folder. */
export const folderOf = (data: string | undefined) =>
  dataFolder(data === undefined ? resolve(checkout, ".slipway") : resolve(data));
