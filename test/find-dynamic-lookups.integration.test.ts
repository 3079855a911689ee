import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findDynamicLookups } from "./find-dynamic-lookups.ts";
import { createTemporaryFolder } from "./support/temporary-folder.ts";

const root = new URL("..", import.meta.url).pathname;
const rowShapeReason =
  "writes labels of the manifest, which refuses __proto__ as one; plain writes give rows of one shape, which are read several times faster";

/** Allowed lookups by a name from outside, each with its reason. */
const allowed: ReadonlyMap<string, string> = new Map([
  ["untrusted/get-own-property.ts: object[name]", "it is the only lookup, after Object.hasOwn"],
  ["untrusted/set-own-property.ts: object[name]", "it is the only write, for every name but __proto__"],
  ['inference/model/score-columns.ts: scores[names[index] ?? ""]', rowShapeReason],
  ["model-folder/rows/encode-rows.ts: name in Object.prototype", "checks what every object inherits"],
  [
    "model-folder/rows/encode-rows.ts: row[name]",
    "runs after that check, because objects do not inherit the name",
  ],
]);

test("code never looks up a property by a name from outside: names are keys of a Map, or go through getOwnProperty", () => {
  const isProduct = (file: string) =>
    !/^(test|bench)\//.test(file) && !/\.(peer\.)?test\.ts$/.test(file) && file.endsWith(".ts");
  const lookups = findDynamicLookups(root, isProduct).map(({ file, line, code }) => ({
    place: `${file}: ${code}`,
    line,
  }));
  const places = new Set(lookups.map(({ place }) => place));
  expect(
    lookups
      .filter(({ place }) => !allowed.has(place))
      .map(
        ({ place, line }) =>
          `${place} (line ${line}): make it a Map, or read it with untrusted/get-own-property.ts`,
      ),
  ).toEqual([]);
  expect([...allowed.keys()].filter((place) => !places.has(place))).toEqual([]);
});

test("the rule finds every form of such a lookup, and ignores arrays, Maps and literal names", async () => {
  const folder = await createTemporaryFolder();
  const seen = [
    "export const a = (x: Record<string, number>, name: string) => x[name];",
    "export const b = (x: object, name: string) => name in x;",
    "export const c = (x: object, name: string): unknown => Reflect.get(x, name);",
    "export const d = (x: Record<string, number>, name: string) => { x[name] = 1; };",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of a program
    "export const e = (x: Record<string, number>, name: string) => x[`label ${name}`];",
  ];
  const unseen = [
    "export const f = (x: readonly number[], at: number) => x[at];",
    "export const g = (x: ReadonlyMap<string, number>, name: string) => x.get(name);",
    'export const h = (x: { a: number; b: number }, name: "a" | "b") => x[name];',
    "export const i = (name: string) => ({ [name]: 1 });",
  ];
  try {
    await writeFile(
      join(folder.path, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { strict: true, lib: ["es2024"], types: [] }, include: ["*.ts"] }),
    );
    await writeFile(join(folder.path, "names.ts"), [...seen, ...unseen].join("\n"));
    const lines = findDynamicLookups(`${folder.path}/`, () => true).map(({ line }) => line);
    expect([...new Set(lines)].toSorted((a, b) => a - b)).toEqual(seen.map((_, at) => at + 1));
  } finally {
    await folder.remove();
  }
});
