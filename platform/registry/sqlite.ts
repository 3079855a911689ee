import * as z from "zod";
import type { Blobs } from "#platform/blobs/blobs.ts";
import { computeSha256, hashStream } from "#platform/files/file-content.ts";
import type { Database, DatabaseRow } from "#platform/store/open-database.ts";
import {
  type Alias,
  type ModelVersion,
  ModelVersionNotFound,
  type Registration,
  type Registry,
} from "./registry.ts";

const Tags = z.record(z.string(), z.string());
const Aliases = z.array(z.enum(["champion", "challenger", "previous_champion"]));

const selectVersionsSql = `SELECT v.model, v.version, v.tags,
  (SELECT json_group_array(alias) FROM (
     SELECT alias FROM model_aliases a WHERE a.model = v.model AND a.version = v.version ORDER BY alias
   )) AS aliases
  FROM model_versions v`;

const toModelVersion = (row: DatabaseRow): ModelVersion => ({
  model: String(row.model),
  version: Number(row.version),
  tags: Tags.parse(JSON.parse(String(row.tags))),
  aliases: Aliases.parse(JSON.parse(String(row.aliases))),
});

const artifactKey = (model: string, version: number): string => `registry/${model}/${version}/model.onnx`;
const tokenizerKey = (model: string, version: number): string =>
  `registry/${model}/${version}/tokenizer.json`;
const manifestKey = (model: string, version: number): string => `registry/${model}/${version}/model.yaml`;

/**
 * A registry in the embedded world's database, with artefacts in `blobs`. A registration has the same order as on MLflow:
 * look up the delivery's version, create it, write the artefact, read it back, set tags, set READY. A version is not
 * visible before it is READY, and a repeated registration completes an interrupted one.
 */
export const createSqliteRegistry = (needs: {
  readonly database: Database;
  readonly blobs: Blobs;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}): Registry => {
  const { database, blobs, clock } = needs;
  const byDelivery = database.prepare(
    "SELECT version, status, sha256 FROM model_versions WHERE model = ? AND delivery = ?",
  );
  const create = database.prepare(
    `INSERT INTO model_versions (model, version, delivery, status, sha256, created_at)
     SELECT ?1, 1 + coalesce(max(version), 0), ?2, 'PENDING', ?3, ?4 FROM model_versions WHERE model = ?1
     RETURNING version, status, sha256`,
  );
  const describe = database.prepare(
    `UPDATE model_versions SET sha256 = ?, tags = ?, metrics = ?
     WHERE model = ? AND version = ? AND status = 'PENDING'`,
  );
  const ready = database.prepare(
    "UPDATE model_versions SET status = 'READY' WHERE model = ? AND version = ?",
  );
  const byVersion = database.prepare(
    `${selectVersionsSql} WHERE v.model = ? AND v.version = ? AND v.status = 'READY'`,
  );
  const byAlias = database.prepare(
    `${selectVersionsSql} JOIN model_aliases named ON named.model = v.model AND named.version = v.version
     WHERE v.model = ? AND named.alias = ? AND v.status = 'READY'`,
  );
  const newest = database.prepare(
    `${selectVersionsSql} WHERE v.model = ? AND v.status = 'READY' ORDER BY v.version DESC LIMIT ?`,
  );
  const move = database.prepare(
    `INSERT INTO model_aliases (model, alias, version)
     SELECT model, ?1, version FROM model_versions WHERE model = ?2 AND version = ?3 AND status = 'READY'
     ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version`,
  );
  const drop = database.prepare("DELETE FROM model_aliases WHERE model = ? AND alias = ?");
  const tag = database.prepare(
    "UPDATE model_versions SET tags = json_patch(tags, ?) WHERE model = ? AND version = ? AND status = 'READY'",
  );

  const find = (model: string, version: number): ModelVersion | undefined => {
    const row = byVersion.get(model, version);
    return row === undefined ? undefined : toModelVersion(row);
  };
  const createNotFoundError = (model: string, version: number) =>
    new ModelVersionNotFound(`${model} has no version ${version} in the registry.`);

  const findOrCreateVersion = ({ model, delivery, artifact }: Registration): DatabaseRow =>
    database.write(() => {
      const row =
        byDelivery.get(model, delivery) ?? create.get(model, delivery, computeSha256(artifact), clock());
      if (row === undefined) throw createNotFoundError(model, 0);
      return row;
    });

  const upload = async (registration: Registration, version: number): Promise<void> => {
    const { model, artifact, manifest, tokenizer } = registration;
    const key = artifactKey(model, version);
    const contentType = "application/octet-stream";
    await blobs.put(key, artifact, { contentType });
    await blobs.put(manifestKey(model, version), Buffer.from(manifest, "utf8"), {
      contentType: "application/yaml",
    });
    if (tokenizer)
      await blobs.put(tokenizerKey(model, version), tokenizer, { contentType: "application/json" });
    const stored = await blobs.open(key);
    if (stored === undefined || (await hashStream(stored)) !== computeSha256(artifact)) {
      throw new Error(`The artefact of ${model} version ${version} did not read back as written.`);
    }
  };

  return {
    register: async (registration) => {
      const { model, artifact, tags, metrics } = registration;
      const row = findOrCreateVersion(registration);
      const version = Number(row.version);
      if (row.status !== "READY") {
        await upload(registration, version);
        describe.run(computeSha256(artifact), JSON.stringify(tags), JSON.stringify(metrics), model, version);
        ready.run(model, version);
      } else {
        const stored = await blobs.open(artifactKey(model, version));
        stored?.destroy();
        // Someone may have deleted the object since the version became READY.
        if (stored === undefined && row.sha256 === computeSha256(artifact))
          await upload(registration, version);
      }
      const registered = find(model, version);
      if (registered === undefined) throw createNotFoundError(model, version);
      return registered;
    },

    version: async (model, version) => find(model, version),

    byAlias: async (model, alias) => {
      const row = byAlias.get(model, alias);
      return row === undefined ? undefined : toModelVersion(row);
    },

    artifact: async (model, version) =>
      find(model, version) === undefined ? undefined : blobs.open(artifactKey(model, version)),

    setAlias: async (model: string, alias: Alias, version: number | undefined) => {
      if (version === undefined) drop.run(model, alias);
      else if (move.run(alias, model, version) === 0) throw createNotFoundError(model, version);
    },

    setTags: async (model, version, tags) => {
      if (tag.run(JSON.stringify(tags), model, version) === 0) throw createNotFoundError(model, version);
    },

    versions: async (model, { limit }) => newest.all(model, limit).map(toModelVersion),
  };
};
