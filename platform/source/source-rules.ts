import { ModelFilesRefused } from "./source.ts";

/** The largest size of a model's folder, in bytes. */
export const modelLimitBytes = 512 * 1024 * 1024;

/** Branches, tags, ids and `HEAD~1`; nothing that git reads as an option, a path, a search or a range. */
export const isRevision = (revision: string): boolean =>
  revision.length > 0 &&
  revision.length <= 250 &&
  !revision.startsWith("-") &&
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  !/[\u0000- \u007f:?*[\\]|\.\.|@\{|\^\{/.test(revision);

/** Whether a path stays inside its folder. */
export const isPathInside = (path: string): boolean =>
  path.length > 0 && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

/** Throws ModelFilesRefused for an entry of a model's folder that cannot be delivered. */
export const refuseEntry = (model: string, path: string, what: "a symbolic link" | "a submodule"): never => {
  throw new ModelFilesRefused(`${path} is ${what}: commit the file itself under models/${model}/.`);
};

/** Throws ModelFilesRefused if a model's folder is larger than the limit. */
export const assertModelSize = (model: string, total: number): void => {
  if (total > modelLimitBytes)
    throw new ModelFilesRefused(
      `models/${model}/ holds ${Math.ceil(total / 1024 / 1024)} MB, the limit is 512 MB: name a large artefact by its address and sha256 in model.yaml.`,
    );
};
