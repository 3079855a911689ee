import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";

/** The folder of Slipway's checkout. */
export const checkoutFolder = fileURLToPath(new URL("..", import.meta.url));

/** The data folder: `--data`, or `.slipway` in the checkout. */
export const selectDataFolder = (data: string | undefined) =>
  resolveDataFolder(data === undefined ? resolve(checkoutFolder, ".slipway") : resolve(data));
