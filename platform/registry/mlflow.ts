import * as z from "zod";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { type OpenBucketFolder, openArtifactFolder } from "./mlflow/artifact-folder.ts";
import {
  createMlflowApi,
  ignoreRefusal,
  type MlflowApiDependencies,
  MlflowRefused,
} from "./mlflow/mlflow-api.ts";
import { createMlflowModel, modelFile, onnxFile } from "./mlflow/mlflow-model.ts";
import {
  type Alias,
  type ModelVersion,
  ModelVersionNotFound,
  type Registration,
  type Registry,
} from "./registry.ts";

type Needs = MlflowApiDependencies & {
  /** Where the server keeps artefacts in S3: needed by `register` and `artifact` alone. */
  readonly s3?: OpenBucketFolder;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/** Which delivery a version was made by: with it from its first moment. */
const deliveryTag = "slipway.delivery";
/** All of the version is there and was read back: set last. Without it a version is seen by nobody. */
const registeredTag = "slipway.registered";

const Tags = z
  .array(z.object({ key: z.string(), value: z.string().default("") }))
  .default([])
  .transform((tags) => Object.fromEntries(tags.map(({ key, value }) => [key, value])));
const Version = z.object({
  name: z.string(),
  version: z.coerce.number().int(),
  source: z.string(),
  run_id: z.string().default(""),
  creation_timestamp: z.number(),
  status: z.string(),
  tags: Tags,
});
type Version = z.infer<typeof Version>;
const Versions = z.object({
  model_versions: z.array(Version).default([]),
  next_page_token: z.string().optional(),
});
const AliasNames = z.enum(["champion", "challenger", "previous_champion"]);
const Model = z.object({
  registered_model: z.object({
    aliases: z.array(z.object({ alias: z.string(), version: z.coerce.number() })).default([]),
  }),
});
const Run = z.object({
  info: z.object({ run_id: z.string(), artifact_uri: z.string(), start_time: z.number().default(0) }),
});
const AnyResponse = z.unknown();

/** Names of models and deliveries hold no quotes; whatever does is no part of a search. */
const quoteFilterValue = (value: string): string => {
  if (/['"`\\]/.test(value)) throw new RangeError(`${value} cannot be searched for in MLflow`);
  return `'${value}'`;
};

const pageSize = 100;

/**
 * The registry on an MLflow server (3.14 or later). Order of a registration: look for the delivery's version; create
 * it with all its tags, under a run; artefacts, MLmodel last; read back; metrics; and at the end the tag that makes
 * it seen. Where several processes create at once, the lowest number of the delivery is the version, and each of the
 * others takes its own away. Throws TemporaryFault, MlflowRefused, ArtifactsOutOfReach.
 */
export const createMlflowRegistry = (needs: Needs): Registry => {
  const api = createMlflowApi(needs);
  const { clock } = needs;
  const folderOf = (version: Version) => openArtifactFolder({ api, s3: needs.s3 }, version.source);

  /** Versions by a search, in the order asked for, page by page to the end. */
  const search = async function* (filter: string, order: "ASC" | "DESC"): AsyncGenerator<Version> {
    let token: string | undefined;
    do {
      const page: z.infer<typeof Versions> = await api.get(
        "model-versions/search",
        {
          filter,
          order_by: `version_number ${order}`,
          max_results: String(pageSize),
          ...(token && { page_token: token }),
        },
        Versions,
      );
      yield* page.model_versions;
      token = page.next_page_token || undefined;
    } while (token !== undefined);
  };

  const aliasesOf = async (model: string): Promise<readonly { alias: string; version: number }[]> =>
    (await ignoreRefusal("RESOURCE_DOES_NOT_EXIST", api.get("registered-models/get", { name: model }, Model)))
      ?.registered_model.aliases ?? [];

  const read = async (model: string, version: number): Promise<Version | undefined> => {
    const answer = await ignoreRefusal(
      "RESOURCE_DOES_NOT_EXIST",
      api.get(
        "model-versions/get",
        { name: model, version: String(version) },
        z.object({ model_version: Version }),
      ),
    );
    const found = answer?.model_version;
    return found?.tags[registeredTag] === undefined ? undefined : found;
  };

  const shown = (found: Version, aliases: readonly { alias: string; version: number }[]): ModelVersion => ({
    model: found.name,
    version: found.version,
    tags: Object.fromEntries(Object.entries(found.tags).filter(([key]) => !key.startsWith("slipway."))),
    aliases: aliases
      .filter(({ version }) => version === found.version)
      .flatMap(({ alias }) => AliasNames.safeParse(alias).data ?? [])
      .sort(),
  });

  const find = async (model: string, version: number): Promise<ModelVersion | undefined> => {
    const found = await read(model, version);
    return found && shown(found, await aliasesOf(model));
  };

  const mustFind = async (model: string, version: number): Promise<Version> => {
    const found = await read(model, version);
    if (!found) throw new ModelVersionNotFound(`${model} has no version ${version} in the registry.`);
    return found;
  };

  const ofDelivery = async (model: string, delivery: string): Promise<Version | undefined> => {
    const filter = `name=${quoteFilterValue(model)} and tags.\`${deliveryTag}\`=${quoteFilterValue(delivery)}`;
    for await (const version of search(filter, "ASC")) return version;
    return undefined;
  };

  const experimentOf = async (model: string): Promise<string> => {
    const name = `slipway/${model}`;
    const Experiment = z.object({ experiment_id: z.string() });
    const made = await ignoreRefusal(
      "RESOURCE_ALREADY_EXISTS",
      api.send("POST", "experiments/create", { name }, Experiment),
    );
    if (made) return made.experiment_id;
    const standing = await api.get(
      "experiments/get-by-name",
      { experiment_name: name },
      z.object({ experiment: Experiment }),
    );
    return standing.experiment.experiment_id;
  };

  /** The run of this delivery: the one that a broken-off attempt left, or a new one. */
  const runOf = async ({ model, delivery, tags }: Registration): Promise<z.infer<typeof Run>> => {
    const experiment = await experimentOf(model);
    const standing = await api.send(
      "POST",
      "runs/search",
      {
        experiment_ids: [experiment],
        filter: `tags.\`${deliveryTag}\` = ${quoteFilterValue(delivery)}`,
        max_results: 1,
      },
      z.object({ runs: z.array(Run).default([]) }),
    );
    if (standing.runs[0]) return standing.runs[0];
    const runTags = {
      [deliveryTag]: delivery,
      ...(tags.commit !== undefined && { "mlflow.source.git.commit": tags.commit }),
    };
    const made = await api.send(
      "POST",
      "runs/create",
      {
        experiment_id: experiment,
        run_name: delivery,
        start_time: clock(),
        tags: Object.entries(runTags).map(([key, value]) => ({ key, value })),
      },
      z.object({ run: Run }),
    );
    return made.run;
  };

  const begin = async (registration: Registration): Promise<Version> => {
    const { model, delivery, tags } = registration;
    const standing = await ofDelivery(model, delivery);
    if (standing) return standing;
    await ignoreRefusal(
      "RESOURCE_ALREADY_EXISTS",
      api.send("POST", "registered-models/create", { name: model }, AnyResponse),
    );
    const { info } = await runOf(registration);
    const { model_version: made } = await api.send(
      "POST",
      "model-versions/create",
      {
        name: model,
        source: `${info.artifact_uri}/model`,
        run_id: info.run_id,
        tags: Object.entries({ ...tags, [deliveryTag]: delivery }).map(([key, value]) => ({ key, value })),
      },
      z.object({ model_version: Version }),
    );
    const first = (await ofDelivery(model, delivery)) ?? made;
    if (first.version !== made.version)
      await ignoreRefusal(
        "RESOURCE_DOES_NOT_EXIST",
        api.send(
          "DELETE",
          "model-versions/delete",
          { name: model, version: String(made.version) },
          AnyResponse,
        ),
      );
    return first;
  };

  /** Writes what is missing and reads back what counts: READY alone proves nothing. */
  const upload = async (registration: Registration, version: Version): Promise<void> => {
    const folder = folderOf(version);
    const files = createMlflowModel(registration, {
      runId: version.run_id,
      createdAt: version.creation_timestamp,
    });
    for (const [path, bytes] of files) await folder.put(path, bytes);
    for (const path of [onnxFile, modelFile]) {
      const back = await folder.get(path);
      if (!back || !Buffer.from(back).equals(files.get(path) ?? Buffer.alloc(0)))
        throw new TemporaryFault(
          `${path} of ${version.name} ${version.version} did not read back as written`,
        );
    }
  };

  const finishRun = async ({ metrics }: Registration, { run_id }: Version): Promise<void> => {
    const { run } = await api.get("runs/get", { run_id }, z.object({ run: Run }));
    const logged = Object.entries(metrics).map(([key, value]) => ({
      key: key.replace(/[^\w\-. /]/g, "_").slice(0, 250),
      value,
      // The run's own time: logged again, the same value is the same entry.
      timestamp: run.info.start_time,
      step: 0,
    }));
    if (logged.length > 0) await api.send("POST", "runs/log-batch", { run_id, metrics: logged }, AnyResponse);
    await api.send("POST", "runs/update", { run_id, status: "FINISHED", end_time: clock() }, AnyResponse);
  };

  /**
   * MLflow looks whether the tag is there and then inserts it: of two that set a new tag at once, its database refuses
   * one, and the server passes that on as 400. Asked again, it finds the tag and writes over it.
   */
  const setTag = async (model: string, version: number, key: string, value: string): Promise<void> => {
    const send = () =>
      api.send(
        "POST",
        "model-versions/set-tag",
        { name: model, version: String(version), key, value },
        AnyResponse,
      );
    await send().catch((error: unknown) => {
      if (error instanceof MlflowRefused && error.message.includes("IntegrityError")) return send();
      throw error;
    });
  };

  return {
    async register(registration) {
      const { model } = registration;
      const begun = await begin(registration);
      if (begun.status !== "READY")
        throw new TemporaryFault(`${model} ${begun.version} is ${begun.status} in MLflow`);
      if (begun.tags[registeredTag] === undefined) {
        await upload(registration, begun);
        await finishRun(registration, begun);
        await setTag(model, begun.version, registeredTag, "true");
      } else if ((await folderOf(begun).get(onnxFile)) === undefined) {
        // Someone deleted the object since.
        await upload(registration, begun);
      }
      const registered = await find(model, begun.version);
      if (!registered)
        throw new TemporaryFault(`${model} ${begun.version} was changed while it was registered`);
      return registered;
    },

    version: find,

    async byAlias(model, alias) {
      const named = (await aliasesOf(model)).find((one) => one.alias === alias);
      return named && find(model, named.version);
    },

    async artifact(model, version) {
      const found = await read(model, version);
      return found && folderOf(found).get(onnxFile);
    },

    async setAlias(model: string, alias: Alias, version: number | undefined) {
      if (version === undefined) {
        await ignoreRefusal(
          "RESOURCE_DOES_NOT_EXIST",
          api.send("DELETE", "registered-models/alias", { name: model, alias }, AnyResponse),
        );
        return;
      }
      await mustFind(model, version);
      await api.send(
        "POST",
        "registered-models/alias",
        { name: model, alias, version: String(version) },
        AnyResponse,
      );
    },

    async setTags(model, version, tags) {
      await mustFind(model, version);
      for (const [key, value] of Object.entries(tags)) await setTag(model, version, key, value);
    },

    async versions(model, { limit }) {
      const aliases = await aliasesOf(model);
      const found: ModelVersion[] = [];
      if (limit <= 0) return found;
      for await (const version of search(`name=${quoteFilterValue(model)}`, "DESC")) {
        if (version.tags[registeredTag] !== undefined) found.push(shown(version, aliases));
        if (found.length >= limit) break;
      }
      return found;
    },
  };
};
