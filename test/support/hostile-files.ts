import { readChurnFiles, readChurnYaml } from "#test/support/onnx/churn-folder.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** models/churn with one file replaced. */
export const replaceChurnFile = (file: string, content: string) => ({
  model: "churn",
  files: readChurnFiles().set(file, bytes(content)),
});
const buildGolden = (rows: string): string => `{"tolerance":0.001,"rows":${rows},"predictions":[]}`;
const repeatItems = (count: number, item: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => item(at)).join(",");

/** Files that a commit may contain, within the size limits. */
export const hostileFiles: readonly [string, string, () => string][] = [
  ["15.8 MB of zeros", "golden.json", () => buildGolden(`[${repeatItems(7_900_000, () => "0")}]`)],
  [
    "1.2 million keys in a row",
    "golden.json",
    () => buildGolden(`[{${repeatItems(1_200_000, (at) => `"k${at}":1`)}}]`),
  ],
  ["a million brackets", "golden.json", () => buildGolden("[".repeat(1_000_000) + "]".repeat(1_000_000))],
  ["a million rows within rows", "golden.json", () => buildGolden('[{"a":'.repeat(1_000_000))],
  ["60 MB of commas", "holdout.csv", () => ",".repeat(60_000_000)],
  ["60 MB of empty lines", "holdout.csv", () => "\n".repeat(60_000_000)],
  ["60 MB of quotes", "holdout.csv", () => '"'.repeat(60_000_000)],
  ["30 million rows of a cell", "holdout.csv", () => "1\n".repeat(30_000_000)],
  [
    "20,000 keys",
    "model.yaml",
    () => readChurnYaml() + repeatItems(20_000, (at) => `k${at}: 1\n`).replaceAll(",", ""),
  ],
  ["20,000 inputs with an unknown key", "model.yaml", () => `inputs:\n${"  - { x: 1 }\n".repeat(19_000)}`],
  ["80,000 brackets", "model.yaml", () => `name: ${"[".repeat(80_000)}`],
  ["256 KB of lists", "model.yaml", () => "- {a: 1}\n".repeat(29_000)],
  ["32,000 aliases, each with its own anchor", "model.yaml", () => `[${"&a a,*a,".repeat(32_000)}]`],
  ["7,000 aliases, with fewer marks than the limit", "model.yaml", () => `[${"&a a,*a,".repeat(7_000)}]`],
  [
    "a hundred inputs of a hundred unknown keys",
    "model.yaml",
    () =>
      readChurnYaml().replace(
        /(?<=\ninputs:.*\n)/,
        `  - { name: x, type: boolean, ${repeatItems(100, (at) => `k${at}: 1`)} }\n`.repeat(100),
      ),
  ],
  [
    "aliases of aliases",
    "model.yaml",
    () =>
      `a: &a [${repeatItems(50, () => "x")}]\n${Array.from({ length: 20 }, (_, at) => `b${at}: &b${at} [${repeatItems(9, () => (at === 0 ? "*a" : `*b${at - 1}`))}]`).join("\n")}`,
  ],
];

/** Texts of a policy.yaml that a commit may contain. */
export const hostilePolicies: readonly [string, () => string][] = [
  ["32 KB of keys", () => repeatItems(4_000, (at) => `k${at}:\n`).replaceAll(",", "")],
  ["16 KB of keys", () => repeatItems(2_000, (at) => `k${at}:\n`).replaceAll(",", "")],
  ["16 KB of names in braces", () => `{${repeatItems(2_500, (at) => `k${at}`)}}`],
  ["16 KB of brackets", () => "[".repeat(16_000)],
  ["16 KB of aliases, each with its own anchor", () => `[${"&a a,*a,".repeat(2_000)}]`],
  ["a million bytes", () => " ".repeat(1_000_000)],
];
