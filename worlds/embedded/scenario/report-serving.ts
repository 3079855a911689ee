import type { Row } from "#model-folder/manifest/manifest.ts";
import { environments } from "#platform/serving/serving.ts";
import type { Reporter } from "#worlds/embedded/reporter.ts";
import type { World } from "#worlds/embedded/world.ts";
import type { SyntheticApplication } from "./synthetic-application.ts";

type Needs = {
  readonly world: Pick<World, "serving">;
  /** Where the gateway answers, without a slash at the end. */
  readonly url: string;
  readonly voice: Pick<Reporter, "event" | "say">;
  /** Calls what prod serves; absent: nobody does. */
  readonly application: SyntheticApplication | undefined;
  /** Rows of the version that prod serves; none where it serves no version of the model. */
  readonly rowsToAsk: (model: string) => Promise<readonly Row[]>;
};

/** Tells what is served where, each change once, and points the application at what prod serves. */
export const reportServing = ({ world, url, voice, application, rowsToAsk }: Needs) => {
  const { serving } = world;
  const shown = new Map<string, string>();

  const follow = async (model: string, at: string): Promise<void> => {
    if (!application) return;
    const rows = await rowsToAsk(model);
    if (rows.length > 0) application.follow(model, at, rows);
  };

  /** What a commit holds stops neither the start nor a delivery: prod serves without anybody who calls it. */
  const followOrSay = async (model: string, at: string): Promise<void> => {
    try {
      await follow(model, at);
    } catch (error) {
      const why = error instanceof Error ? (error.message.split("\n")[0] ?? error.name) : String(error);
      voice.say(`The application does not call ${model}: ${why}`);
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
        const says = `${version} ${config.digest}`;
        if (shown.get(key) === says) continue;
        shown.set(key, says);
        const at = `${url}/${environment}/models/${model}`;
        voice.event({ event: "serving", environment, model, version, digest: config.digest, url: at });
        if (environment === "prod") await followOrSay(model, at);
      }
  };
};
