import * as z from "zod";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { computeSha256, hashStream } from "#platform/files/file-content.ts";
import { type ArtifactFolder, type OpenBucketFolder, openArtifactFolder } from "./mlflow/artifact-folder.ts";
import {
  createMlflowApi,
  ignoreRefusal,
  type MlflowApiDependencies,
  MlflowRefused,
} from "./mlflow/mlflow-api.ts";
import type { createMlflowModel } from "./mlflow/mlflow-model.ts";
import { modelFile, onnxFile } from "./mlflow/model-files.ts";
import {
  type Alias,
  type ModelVersion,
  ModelVersionNotFound,
  type Registration,
  type Registry,
} from "./registry.ts";

type Needs = MlflowApiDependencies & {
  /** The server's artefacts in S3; only `register` and `artifact` need it. */
  readonly s3?: OpenBucketFolder;
  /** Writes a version's files. Only `register` needs it, and most functions register nothing: it holds a Python module. */
  readonly createModel?: typeof createMlflowModel;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/** The delivery that created the version; set at its creation. */
const deliveryTag = "slipway.delivery";
/** The version is complete and was read back. Set last: without it, the version is not visible. */
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

/** Quotes a value for a search filter; names of models and deliveries contain no quotes. */
const quoteFilterValue = (value: string): string => {
  if (/['"`\\]/.test(value)) throw new RangeError(`a search in MLflow does not support the value ${value}`);
  return `'${value}'`;
};

const pageSize = 100;

/**
 * The registry on an MLflow server (3.14 or later). Order of a registration: look up the delivery's version; create it
 * with its tags, under a run; write the artefacts, MLmodel last; read them back; log metrics; set the tag that makes it
 * visible. If several processes create a version for one delivery, the lowest number remains and the other processes
 * delete theirs. Throws TemporaryFault, MlflowRefused, ArtifactsOutOfReach.
 */
export const createMlflowRegistry = (needs: Needs): Registry => {
  const api = createMlflowApi(needs);
  const { clock } = needs;
  const openFolder = (version: Version) => openArtifactFolder({ api, s3: needs.s3 }, version.source);

  /** Searches versions, page by page. */
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

  const readAliases = async (model: string): Promise<readonly { alias: string; version: number }[]> =>
    (await ignoreRefusal("RESOURCE_DOES_NOT_EXIST", api.get("registered-models/get", { name: model }, Model)))
      ?.registered_model.aliases ?? [];

  const read = async (model: string, version: number): Promise<Version | undefined> => {
    const response = await ignoreRefusal(
      "RESOURCE_DOES_NOT_EXIST",
      api.get(
        "model-versions/get",
        { name: model, version: String(version) },
        z.object({ model_version: Version }),
      ),
    );
    const modelVersion = response?.model_version;
    return modelVersion?.tags[registeredTag] === undefined ? undefined : modelVersion;
  };

  const toModelVersion = (
    { name, version: number, tags }: Version,
    aliases: readonly { alias: string; version: number }[],
  ): ModelVersion => ({
    model: name,
    version: number,
    tags: Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith("slipway."))),
    aliases: aliases
      .filter(({ version }) => version === number)
      .flatMap(({ alias }) => AliasNames.safeParse(alias).data ?? [])
      .sort(),
  });

  const find = async (model: string, version: number): Promise<ModelVersion | undefined> => {
    const modelVersion = await read(model, version);
    return modelVersion && toModelVersion(modelVersion, await readAliases(model));
  };

  const assertExists = async (model: string, version: number): Promise<void> => {
    if (!(await read(model, version)))
      throw new ModelVersionNotFound(`${model} has no version ${version} in the registry.`);
  };

  const findByDelivery = async (model: string, delivery: string): Promise<Version | undefined> => {
    const filter = `name=${quoteFilterValue(model)} and tags.\`${deliveryTag}\`=${quoteFilterValue(delivery)}`;
    for await (const version of search(filter, "ASC")) return version;
    return undefined;
  };

  const ensureExperiment = async (model: string): Promise<string> => {
    const name = `slipway/${model}`;
    const Experiment = z.object({ experiment_id: z.string() });
    const created = await ignoreRefusal(
      "RESOURCE_ALREADY_EXISTS",
      api.send("POST", "experiments/create", { name }, Experiment),
    );
    if (created) return created.experiment_id;
    const existing = await api.get(
      "experiments/get-by-name",
      { experiment_name: name },
      z.object({ experiment: Experiment }),
    );
    return existing.experiment.experiment_id;
  };

  /** The delivery's run: a new one, or the one of an interrupted attempt. */
  const ensureRun = async ({ model, delivery, tags }: Registration): Promise<z.infer<typeof Run>> => {
    const experiment = await ensureExperiment(model);
    const existing = await api.send(
      "POST",
      "runs/search",
      {
        experiment_ids: [experiment],
        filter: `tags.\`${deliveryTag}\` = ${quoteFilterValue(delivery)}`,
        max_results: 1,
      },
      z.object({ runs: z.array(Run).default([]) }),
    );
    if (existing.runs[0]) return existing.runs[0];
    const runTags = {
      [deliveryTag]: delivery,
      ...(tags.commit !== undefined && { "mlflow.source.git.commit": tags.commit }),
    };
    const created = await api.send(
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
    return created.run;
  };

  const findOrCreateVersion = async (registration: Registration): Promise<Version> => {
    const { model, delivery, tags } = registration;
    const existing = await findByDelivery(model, delivery);
    if (existing) return existing;
    await ignoreRefusal(
      "RESOURCE_ALREADY_EXISTS",
      api.send("POST", "registered-models/create", { name: model }, AnyResponse),
    );
    const { info } = await ensureRun(registration);
    const { model_version: created } = await api.send(
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
    const first = (await findByDelivery(model, delivery)) ?? created;
    if (first.version !== created.version)
      await ignoreRefusal(
        "RESOURCE_DOES_NOT_EXIST",
        api.send(
          "DELETE",
          "model-versions/delete",
          { name: model, version: String(created.version) },
          AnyResponse,
        ),
      );
    return first;
  };

  /** Writes all files and reads back the essential ones: the status READY does not prove that they exist. */
  const upload = async (registration: Registration, version: Version): Promise<void> => {
    const folder = openFolder(version);
    if (!needs.createModel)
      throw new TypeError("this registry was opened without what writes a version's files");
    const files = needs.createModel(registration, {
      runId: version.run_id,
      createdAt: version.creation_timestamp,
    });
    for (const [path, content] of files) await folder.put(path, content);
    for (const [path, content] of files) {
      if (path !== onnxFile && path !== modelFile) continue;
      if ((await readHash(folder, path)) !== computeSha256(content))
        throw new TemporaryFault(
          `${path} of ${version.name} ${version.version} did not read back as written`,
        );
    }
  };

  /** The storage's own checksum where it keeps one, so that an artefact is not read again. */
  const readHash = async (folder: ArtifactFolder, path: string): Promise<string | undefined> => {
    const kept = await folder.sha256?.(path);
    if (kept !== undefined) return kept;
    const stored = await folder.open(path);
    return stored && hashStream(stored);
  };

  const finishRun = async ({ metrics }: Registration, { run_id }: Version): Promise<void> => {
    const { run } = await api.get("runs/get", { run_id }, z.object({ run: Run }));
    const metricEntries = Object.entries(metrics).map(([key, value]) => ({
      key: key.replace(/[^\w\-. /]/g, "_").slice(0, 250),
      value,
      // The run's start time, so that a repeated call logs the same entry.
      timestamp: run.info.start_time,
      step: 0,
    }));
    if (metricEntries.length > 0)
      await api.send("POST", "runs/log-batch", { run_id, metrics: metricEntries }, AnyResponse);
    await api.send("POST", "runs/update", { run_id, status: "FINISHED", end_time: clock() }, AnyResponse);
  };

  /**
   * MLflow checks for the tag and then inserts it. If two calls set a new tag at once, its database refuses one insert,
   * and the server returns 400. A retry finds the tag and overwrites it.
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
      const modelVersion = await findOrCreateVersion(registration);
      if (modelVersion.status !== "READY")
        throw new TemporaryFault(`${model} ${modelVersion.version} is ${modelVersion.status} in MLflow`);
      if (modelVersion.tags[registeredTag] === undefined) {
        await upload(registration, modelVersion);
        await finishRun(registration, modelVersion);
        await setTag(model, modelVersion.version, registeredTag, "true");
      } else {
        const stored = await openFolder(modelVersion).open(onnxFile);
        stored?.destroy();
        // Someone has deleted the object since the registration.
        if (!stored) await upload(registration, modelVersion);
      }
      const registered = await find(model, modelVersion.version);
      if (!registered)
        throw new TemporaryFault(`${model} ${modelVersion.version} was changed during its registration`);
      return registered;
    },

    version: find,

    async byAlias(model, alias) {
      const match = (await readAliases(model)).find((candidate) => candidate.alias === alias);
      return match && find(model, match.version);
    },

    async artifact(model, version) {
      const modelVersion = await read(model, version);
      return modelVersion && openFolder(modelVersion).open(onnxFile);
    },

    async setAlias(model: string, alias: Alias, version: number | undefined) {
      if (version === undefined) {
        await ignoreRefusal(
          "RESOURCE_DOES_NOT_EXIST",
          api.send("DELETE", "registered-models/alias", { name: model, alias }, AnyResponse),
        );
        return;
      }
      await assertExists(model, version);
      await api.send(
        "POST",
        "registered-models/alias",
        { name: model, alias, version: String(version) },
        AnyResponse,
      );
    },

    async setTags(model, version, tags) {
      await assertExists(model, version);
      for (const [key, value] of Object.entries(tags)) await setTag(model, version, key, value);
    },

    async versions(model, { limit }) {
      const aliases = await readAliases(model);
      const versions: ModelVersion[] = [];
      if (limit <= 0) return versions;
      for await (const version of search(`name=${quoteFilterValue(model)}`, "DESC")) {
        if (version.tags[registeredTag] !== undefined) versions.push(toModelVersion(version, aliases));
        if (versions.length >= limit) break;
      }
      return versions;
    },
  };
};
