import { randomBytes } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DataFolderUnusable, toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { SecretMissing, type Secrets } from "./secrets.ts";

/**
 * `NAME="value"`; a manually added line may omit the quotes. Generated lines have them, so that a line that a full disk
 * truncated has no closing quote and does not match. If a name has two lines, the first one counts.
 */
const linePattern = /^([A-Z][A-Z0-9_]*)=(?:"([^"\s]+)"|([^"\s#]+))$/;

const findSecret = (text: string, name: string): string | undefined => {
  for (const line of text.split(/\r?\n/)) {
    const [, key, quotedValue, value] = linePattern.exec(line.trim()) ?? [];
    if (key === name) return quotedValue ?? value;
  }
  return undefined;
};

const readFileIfPresent = (path: string): Promise<string> =>
  readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw toDataFolderError(path, error);
  });

/**
 * Adds a secret with a single append: if two processes do so at once, the first line counts for both. The leading
 * newline ends a line that someone or a full disk left incomplete.
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
    `${path} cannot be used: the disk is full. Free some space and start again: earlier writes are complete.`,
  );
};

type SecretsFile = {
  /** Lines of `NAME="value"`, mode 0600; the first generated secret creates the file. */
  readonly path: string;
  /** Names that get a random value (64 hex digits) if neither environment nor file has one. */
  readonly generate: readonly string[];
  readonly random?: () => string;
};

/**
 * Secrets from environment variables, otherwise from a file of generated ones. An empty variable is SecretMissing, not
 * replaced: someone set it on purpose, and an empty key would let anyone sign.
 */
export const createEnvironmentSecrets = (needs: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file?: SecretsFile;
}): Secrets => ({
  read: async (name) => {
    const variable = getOwnProperty(needs.env, name);
    if (variable !== undefined) {
      if (variable.trim() === "")
        throw new SecretMissing(`${name} is set but empty: set its value or unset it.`);
      return variable;
    }
    const { file } = needs;
    if (file !== undefined) {
      const existing = findSecret(await readFileIfPresent(file.path), name);
      if (existing !== undefined) return existing;
      if (file.generate.includes(name)) {
        const random = file.random ?? (() => randomBytes(32).toString("hex"));
        await appendSecret(file.path, name, random());
        const generated = findSecret(await readFileIfPresent(file.path), name);
        if (generated !== undefined) return generated;
      }
    }
    const alternative = file === undefined ? "" : ` or a line ${name}=… to ${file.path}`;
    throw new SecretMissing(`${name} is not set: add the environment variable${alternative}.`);
  },
});
