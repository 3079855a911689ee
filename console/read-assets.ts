import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const types = {
  "console.css": "text/css; charset=utf-8",
  "console.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;

type Asset = { readonly type: string; readonly content: string };
export type Assets = {
  readonly files: ReadonlyMap<string, Asset>;
  /** Changes with any of them, so that a browser may keep them for ever under it. */
  readonly revision: string;
};

/** Without comments and indentation: the style is a third of a small page. No value of it goes over a line's end in quotes. */
const compactCss = (css: string): string => css.replaceAll(/\/\*.*?\*\/\n?|^ +/gms, "");

/** The pages' style, script and icon. A function's zip has the folder `assets/` beside its code. */
export const readAssets = (): Assets => {
  const read = (name: string) => readFileSync(new URL(`assets/${name}`, import.meta.url), "utf8");
  const files = new Map(
    Object.entries(types).map(([name, type]) => [
      name,
      {
        type,
        content: name === "console.css" ? compactCss(`${read(name)}${read("canary.css")}`) : read(name),
      },
    ]),
  );
  const hash = createHash("sha256");
  for (const { content } of files.values()) hash.update(content);
  return { files, revision: hash.digest("hex").slice(0, 10) };
};
