import { resolve } from "node:path";

/** The repository of a model's folder, `models/<name>`. */
export const findRepository = (folder: string): string => resolve(folder, "..", "..");
