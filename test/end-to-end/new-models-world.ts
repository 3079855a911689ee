import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { Prediction } from "#model-folder/manifest/manifest.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { runScenario } from "#worlds/embedded/scenario/scenario.ts";
import { type EmbeddedWorld, startEmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { createFixture, repositoryRoot } from "./fixture.ts";
import { runSlipway } from "./run-slipway.ts";

const exports = join(repositoryRoot, "test", "support", "onnx-exports");
const reporter = { say: () => undefined, event: () => undefined };
const Answer = z.object({ predictions: z.array(Prediction) });

/** A file of a library's export in test/support. */
export const exportPath = (model: string, file: string): string => join(exports, model, file);

/**
 * A world whose checkout holds only the policy and the models that `create` makes with commands, as a person would: new,
 * check, delivery, request.
 */
export const createNewModelsWorld = async () => {
  const fixture = await createFixture();
  const checkout = join(fixture.folder, "checkout");
  const models = join(checkout, "models");
  await cp(join(repositoryRoot, "policy.yaml"), join(checkout, "policy.yaml"));
  let rehearsal: EmbeddedWorld | undefined;

  const begin = async (): Promise<EmbeddedWorld> => {
    if (rehearsal) return rehearsal;
    rehearsal = await startEmbeddedWorld({
      folder: resolveDataFolder(fixture.data),
      checkout,
      port: 0,
      modelsPort: 0,
      bakeMs: 5,
      traffic: 2,
      env: {},
      clock: Date.now,
      reporter,
    });
    await rehearsal.begin();
    return rehearsal;
  };
  const request = async (model: string, contentType: string, body: string | Buffer<ArrayBuffer>) => {
    const { modelsUrl } = await begin();
    const response = await fetch(`${modelsUrl}/prod/models/${model}/v1/predict`, {
      method: "POST",
      headers: { "content-type": contentType },
      body,
    });
    return Answer.parse(await response.json()).predictions;
  };

  return {
    /** Runs `slipway new` and `slipway check`; returns what the check printed, and whether either failed. */
    create: async (model: string, options: readonly string[]) => {
      const onnx = exportPath(model, "model.onnx");
      const made = await runSlipway(fixture, ["new", model, "--onnx", onnx, ...options, "--models", models]);
      const file = join(models, model, "model.yaml");
      const manifest = await readFile(file, "utf8").catch(() => "");
      // How fast this machine is says nothing about the model.
      await writeFile(file, manifest.replace(/latencyP95Ms: \d+/, "latencyP95Ms: 1000")).catch(() => {});
      const checked = await runSlipway(fixture, ["check", join(models, model)]);
      return {
        manifest,
        checked: checked.stdout,
        failures: [made, checked].flatMap(({ code, stderr }) =>
          code === 0 && stderr === "" ? [] : [stderr],
        ),
      };
    },
    /** Delivers the model, whose approvers approve; returns what then serves prod. */
    deliver: async (model: string) => {
      const running = await begin();
      await runScenario(running, { model, decisions: "approve", reporter });
      return running.world.ledger.serving("prod", model);
    },
    /** Asks prod. */
    predict: (model: string, rows: readonly object[]) =>
      request(model, "application/json", JSON.stringify({ rows })),
    predictBody: request,
    remove: async () => {
      await rehearsal?.stop();
      await fixture.remove();
    },
  };
};
export type NewModelsWorld = Awaited<ReturnType<typeof createNewModelsWorld>>;
