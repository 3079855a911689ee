import type { Row } from "#model-folder/manifest/manifest.ts";
import { environments } from "#platform/serving/serving.ts";
import type { Reporter } from "#worlds/embedded/reporter.ts";
import type { World } from "#worlds/embedded/world.ts";
import type { SyntheticApplication } from "./synthetic-application.ts";

type Needs = {
  readonly world: Pick<World, "serving">;
  /** The gateway's URL, without a trailing slash. */
  readonly url: string;
  readonly reporter: Pick<Reporter, "event" | "say">;
  /** The application that calls prod; absent: none. */
  readonly application: SyntheticApplication | undefined;
  /** Rows of the version on prod; empty: prod serves no version of the model. */
  readonly rowsToAsk: (model: string) => Promise<readonly Row[]>;
};

/** Reports changes of what the environments serve, and directs the application to the models on prod. */
export const reportServing = ({ world, url, reporter, application, rowsToAsk }: Needs) => {
  const { serving } = world;
  const reported = new Map<string, string>();

  const callModel = async (model: string, modelUrl: string): Promise<void> => {
    if (!application) return;
    const rows = await rowsToAsk(model);
    if (rows.length > 0) application.follow(model, modelUrl, rows);
  };

  /** A commit without usable rows must stop neither the start nor a delivery: prod then runs without traffic. */
  const tryCallModel = async (model: string, modelUrl: string): Promise<void> => {
    try {
      await callModel(model, modelUrl);
    } catch (error) {
      const reason = error instanceof Error ? (error.message.split("\n")[0] ?? error.name) : String(error);
      reporter.say(`The synthetic application does not call ${model}: ${reason}`);
    }
  };

  return async (): Promise<void> => {
    for (const environment of environments)
      for (const model of await serving[environment].models()) {
        const live = await serving[environment].live(model);
        const config = live && (await serving[environment].version(model, live.version))?.config;
        if (!config) continue;
        const key = `${environment}/${model}`;
        const version = Number(config.variables.SLIPWAY_MODEL_VERSION);
        const served = `${version} ${config.digest}`;
        if (reported.get(key) === served) continue;
        reported.set(key, served);
        const modelUrl = `${url}/${environment}/models/${model}`;
        reporter.event({
          event: "serving",
          environment,
          model,
          version,
          digest: config.digest,
          url: modelUrl,
        });
        if (environment === "prod") await tryCallModel(model, modelUrl);
      }
  };
};
