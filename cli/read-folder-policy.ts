import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import type { Policy } from "#domain/policy/policy.ts";
import { findRepository } from "./find-repository.ts";

/**
 * The policy.yaml of a model folder's repository; undefined where there is none. Throws PolicyInvalid.
 * @param where its name in messages; absent: its path
 */
export const readFolderPolicy = async (folder: string, where?: string): Promise<Policy | undefined> => {
  const file = join(findRepository(folder), "policy.yaml");
  const bytes = await readFile(file).catch(() => undefined);
  return bytes && parsePolicy(bytes, where ?? file);
};
