import { randomBytes } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DataFolderUnusable, toDataFolderError } from "#platform/store/data-folder-unusable.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { SecretMissing, type Secrets } from "./secrets.ts";

/**
 * `NAME="value"`, or without the quotes where a person wrote it. What is generated has them: a line that a
 * full disk cut short has no closing quote and is never read. Where a name stands twice, the first line counts.
 */
const linePattern = /^([A-Z][A-Z0-9_]*)=(?:"([^"\s]+)"|([^"\s#]+))$/;

const findSecret = (text: string, name: string): string | undefined => {
  for (const found of text.split(/\r?\n/)) {
    const [, key, quoted, bare] = linePattern.exec(found.trim()) ?? [];
    if (key === name) return quoted ?? bare;
  }
  return undefined;
};

const readFileIfPresent = (path: string): Promise<string> =>
  readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw toDataFolderError(path, error);
  });

/**
 * Adds one secret by a single append: of two processes that do so at once the first one's line counts for
 * both. The newline before it ends a line that a person or a full disk left open.
 */
const appendSecret = async (path: string, name: string, value: string): Promise<void> => {
  const bytes = Buffer.from(`\n${name}="${value}"\n`, "utf8");
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, "a", 0o600);
    try {
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten === bytes.length) return;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw toDataFolderError(path, error);
  }
  throw new DataFolderUnusable(
    `${path} cannot be used: the disk is full. Free some space and start again: what was written before is complete.`,
  );
};

type SecretsFile = {
  /** Lines of `NAME="value"`, mode 0600; made with the first secret that is generated. */
  readonly path: string;
  /** Names that get a random value (64 hex digits) where neither environment nor file has them. */
  readonly generate: readonly string[];
  readonly random?: () => string;
};

/**
 * Secrets from environment variables, else from a file of generated ones. A variable that is set but
 * empty is refused instead of replaced: whoever set it meant it, and an empty key signs for everybody.
 */
export const createEnvironmentSecrets = (needs: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file?: SecretsFile;
}): Secrets => ({
  read: async (name) => {
    const given = getOwnProperty(needs.env, name);
    if (given !== undefined) {
      if (given.trim() === "")
        throw new SecretMissing(`${name} is set but empty: give it its value or unset it.`);
      return given;
    }
    const { file } = needs;
    if (file !== undefined) {
      const present = findSecret(await readFileIfPresent(file.path), name);
      if (present !== undefined) return present;
      if (file.generate.includes(name)) {
        const random = file.random ?? (() => randomBytes(32).toString("hex"));
        await appendSecret(file.path, name, random());
        const made = findSecret(await readFileIfPresent(file.path), name);
        if (made !== undefined) return made;
      }
    }
    const place = file === undefined ? "" : ` or a line ${name}=… to ${file.path}`;
    throw new SecretMissing(`${name} is not set: add the environment variable${place}.`);
  },
});
