import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { readOnnxFile } from "#cli/new-model/read-onnx-file.ts";
import { createPythonEnvironment, requirePython } from "#test/peers/python-environment.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { ExportedModel } from "./export-models.ts";
import { serveExport } from "./serve-export.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("save_models.py", import.meta.url));
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));
const Saved = z.strictObject({ file: z.string(), answers: ExportedModel.shape.answers });

/** The indented lines of a refusal, after its sentence. */
const readLines = (message: string): string => {
  const [, ...lines] = message.split("\n    ");
  return lines.join("\n");
};

describe.skipIf(requirePython("the lines that export models of other kinds").skip)(
  "a file of another kind is refused with lines of Python that export it",
  () => {
    let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
    const messages = new Map<string, string>();
    beforeAll(async () => {
      folder = await createTemporaryFolder();
      const { python } = await createPythonEnvironment(requirements);
      const saved = join(folder.path, "saved");
      await run(python, ["-W", "ignore", script, "save", saved]);
      for (const name of await readdir(saved)) {
        const place = join(saved, name);
        const { file } = Saved.parse(JSON.parse(await readFile(join(place, "answers.json"), "utf8")));
        const refusal = await readOnnxFile(join(place, file)).then(
          () => "accepted",
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
        messages.set(name, refusal);
        await writeFile(join(place, "lines.py"), readLines(refusal));
      }
      await run(python, ["-W", "ignore", script, "export", saved]);
    });
    afterAll(() => folder.remove());

    test.for([
      ["pickle", "a Python pickle with a model of scikit-learn"],
      ["pickle-protocol-0", "a Python pickle with a model of scikit-learn"],
      ["pickle-gzip", "a Python pickle, compressed with gzip"],
      ["joblib", "a Python pickle with a model of scikit-learn"],
      ["joblib-zlib", "a Python pickle, compressed with zlib"],
      ["dictionary", "a Python pickle with a model of scikit-learn"],
      ["columns", "a Python pickle with a model of scikit-learn"],
      ["isolation-forest", "a Python pickle with a model of scikit-learn"],
      ["lightgbm-step", "a Python pickle with a model of scikit-learn"],
      ["xgboost-step", "a Python pickle with a model of scikit-learn"],
      ["xgboost-pickle", "a Python pickle with a model of XGBoost"],
      ["xgboost-json", "a model of XGBoost"],
      ["xgboost-ubj", "a model of XGBoost"],
      ["xgboost-booster", "a Python pickle with a model of XGBoost"],
      ["lightgbm-joblib", "a Python pickle with a model of LightGBM"],
      ["lightgbm-text", "a model of LightGBM"],
      ["lightgbm-booster", "a Python pickle with a model of LightGBM"],
      ["catboost-pickle", "a Python pickle with a model of CatBoost"],
      ["catboost-cbm", "a model of CatBoost"],
      ["catboost-json", "a model of CatBoost"],
    ] as const)("%s: followed, the model predicts as in Python", async ([name, what]) => {
      const place = join(folder.path, "saved", name);
      const { file, answers } = Saved.parse(JSON.parse(await readFile(join(place, "answers.json"), "utf8")));
      expect(messages.get(name)).toContain(`${file} is ${what}`);
      expect(await readFile(join(place, "failed.txt"), "utf8").catch(() => undefined)).toBeUndefined();
      const { differences } = await serveExport(
        {
          name,
          answers,
          onnx: await readFile(join(place, "model.onnx")),
          csv: await readFile(join(place, "data.csv")),
          library: "",
          kind: "",
          export: "",
          targets: ["target"],
          group: null,
        },
        join(folder.path, "models"),
      );
      expect(differences).toEqual([]);
    });
  },
);
