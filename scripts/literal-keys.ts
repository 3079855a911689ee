import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

const constant = /^const (_\w+) = ("[^"\\]*");$/gm;
const computedKey = /\[(_\w+)\]:/g;

/** `[_ht]: …` becomes `"http": …`, where the file itself says `const _ht = "http";`. */
export const withLiteralKeys = (source: string): string => {
  const texts = new Map([...source.matchAll(constant)].map(([, name = "", text = ""]) => [name, text]));
  return source.replace(computedKey, (key, name: string) => {
    const text = texts.get(name);
    return text === undefined ? key : `${text}:`;
  });
};

/**
 * Lets esbuild leave out what a function never calls of an AWS client. The client's schemas have keys that are
 * computed from constants; esbuild keeps every object with a computed key, because computing one may have an effect,
 * and so each operation of the service stays, 10 to 50 KB a client. With the constant's text in its place the file
 * says the same.
 */
export const literalKeys: Plugin = {
  name: "literal-keys",
  setup(build) {
    build.onLoad({ filter: /[\\/]@aws-sdk[\\/].*[\\/]schemas_\d+\.js$/ }, async ({ path }) => ({
      contents: withLiteralKeys(await readFile(path, "utf8")),
      loader: "js",
    }));
  },
};
