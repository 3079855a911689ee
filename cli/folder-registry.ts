import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createMlflowModel } from "#platform/registry/mlflow/mlflow-model.ts";
import { createMlflowRegistry } from "#platform/registry/mlflow.ts";
import { createSqliteRegistry } from "#platform/registry/sqlite.ts";
import type { OpenRegistry } from "#worlds/embedded/capabilities.ts";
import type { DataFolder } from "#worlds/embedded/data/data-folder.ts";

/** The data folder uses another registry, so its versions and aliases would be missing in this one. */
export class RegistryChanged extends Error {
  override readonly name = "RegistryChanged";
}

type Folder = Pick<DataFolder, "root" | "database" | "mlflow">;

/** The MLflow server of a data folder; undefined: the folder's own database is the registry. */
const readMlflowUri = ({ mlflow }: Folder): string | undefined =>
  existsSync(mlflow) ? readFileSync(mlflow, "utf8").trim() : undefined;

/**
 * Makes an MLflow server the registry of a folder without deliveries; later commands on the folder read it from there.
 * Throws RegistryChanged where the folder has another registry.
 */
export const chooseMlflow = (folder: Folder, uri: string): void => {
  if (readMlflowUri(folder) === uri) return;
  if (existsSync(folder.database))
    throw new RegistryChanged(
      `${folder.root} uses another registry (${readMlflowUri(folder) ?? "its own database"}): start over with --fresh, or choose another folder with --data.`,
    );
  writeFileSync(folder.mlflow, `${uri}\n`);
};

/** The registry of a data folder: its own database, or its MLflow server. */
export const openFolderRegistry =
  (folder: Folder): OpenRegistry =>
  ({ database, blobs, clock }) => {
    const uri = readMlflowUri(folder);
    return uri === undefined
      ? createSqliteRegistry({ database, blobs, clock })
      : createMlflowRegistry({ uri, fetch, clock, createModel: createMlflowModel });
  };
