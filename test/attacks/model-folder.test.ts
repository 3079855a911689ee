import { describe, expect, test } from "vitest";
import { committedModel, judgedBy } from "../../domain/committed-model.ts";
import { restore } from "../../domain/restore.ts";
import { assertModel } from "../../inference/check/check-model.ts";
import { churnFiles, churnYaml } from "../onnx/churn-folder.ts";
import { commitOf, model, serve, stepWorld } from "../step-world.ts";
import { answeringMeanwhile } from "./answering-meanwhile.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const churnWith = (file: string, content: string) => ({
  model: "churn",
  files: churnFiles().set(file, bytes(content)),
});
const golden = (rows: string): string => `{"tolerance":0.001,"rows":${rows},"predictions":[]}`;
const many = (count: number, item: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => item(at)).join(",");

/** Each is a file that a commit may hold, within the limits on its bytes. */
const attacks: readonly [string, string, () => string][] = [
  ["15.8 MB of zeros", "golden.json", () => golden(`[${many(7_900_000, () => "0")}]`)],
  ["1.2 million keys in a row", "golden.json", () => golden(`[{${many(1_200_000, (at) => `"k${at}":1`)}}]`)],
  ["a million brackets", "golden.json", () => golden("[".repeat(1_000_000) + "]".repeat(1_000_000))],
  ["a million rows within rows", "golden.json", () => golden('[{"a":'.repeat(1_000_000))],
  ["60 MB of commas", "holdout.csv", () => ",".repeat(60_000_000)],
  ["60 MB of empty lines", "holdout.csv", () => "\n".repeat(60_000_000)],
  ["60 MB of quotes", "holdout.csv", () => '"'.repeat(60_000_000)],
  ["30 million rows of a cell", "holdout.csv", () => "1\n".repeat(30_000_000)],
  ["20,000 keys", "model.yaml", () => churnYaml() + many(20_000, (at) => `k${at}: 1\n`).replaceAll(",", "")],
  ["20,000 inputs with a key too many", "model.yaml", () => `inputs:\n${"  - { x: 1 }\n".repeat(19_000)}`],
  ["80,000 brackets", "model.yaml", () => `name: ${"[".repeat(80_000)}`],
  [
    "aliases of aliases",
    "model.yaml",
    () =>
      `a: &a [${many(50, () => "x")}]\n${Array.from({ length: 20 }, (_, at) => `b${at}: &b${at} [${many(9, () => (at === 0 ? "*a" : `*b${at - 1}`))}]`).join("\n")}`,
  ],
];

describe("a model's folder that takes for ever to read", () => {
  test.each(attacks)(
    "%s in %s: refused by name, and this process answers all the while",
    async (_, file, content) => {
      const folder = churnWith(file, content());
      const { answered, error } = await answeringMeanwhile(() => assertModel(folder));
      expect(error).toMatchObject({ name: "ManifestInvalid", message: expect.stringContaining(file) });
      // A process that reads the file itself answers one or none.
      expect(answered).toBeGreaterThan(4);
    },
  );
});

describe("a version that was promoted before a rule", () => {
  test("today's limits refuse its folder for a delivery, not for a rollback to it, nor as the champion of another", async () => {
    const world = stepWorld();
    try {
      const first = await serve(world, "a", 1);
      const files = world.commits.get(commitOf("a"));
      const padded = (file: string, padding: string) =>
        files?.set(file, bytes(new TextDecoder().decode(files.get(file)) + padding));
      padded("model.yaml", `\n#${"x".repeat(300_000)}`);
      padded("golden.json", " ".repeat(17 * 1_024 * 1_024));
      await serve(world, "b", 2);
      for (const file of ["model.yaml", "golden.json"]) {
        const others = new Map([...(files ?? [])]);
        const { source } = world;
        const modelFiles = async () =>
          others.set(
            file === "model.yaml" ? "golden.json" : "model.yaml",
            world.commits.get(commitOf("b"))?.get(file === "model.yaml" ? "golden.json" : "model.yaml") ??
              bytes(""),
          );
        await expect(
          committedModel({ source: { ...source, modelFiles } })(model, commitOf("a")),
        ).rejects.toMatchObject({ name: "ManifestInvalid", message: expect.stringContaining(`${file}`) });
      }
      expect((await judgedBy(world)(model, commitOf("b"), commitOf("a"))).champion?.golden.rows).toHaveLength(
        2,
      );
      const writer = { model, delivery: "d", fence: 50 };
      expect(await restore(world)("prod", writer, first)).toBe(first.functionVersion);
      expect((await world.serving.prod.live(model))?.version).toBe(first.functionVersion);
    } finally {
      await world.close();
    }
  });
});
