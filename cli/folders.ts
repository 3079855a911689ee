import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";

/** Slipway's own folder. */
export const checkoutFolder = fileURLToPath(new URL("..", import.meta.url));

/** The data folder: `--data`, or `.slipway` in Slipway's folder. */
export const selectDataFolder = (data: string | undefined) =>
  resolveDataFolder(data === undefined ? resolve(checkoutFolder, ".slipway") : resolve(data));
