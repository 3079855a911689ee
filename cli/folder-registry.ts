import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createMlflowRegistry } from "#platform/registry/mlflow.ts";
import { createSqliteRegistry } from "#platform/registry/sqlite.ts";
import type { DataFolder } from "#worlds/embedded/data/data-folder.ts";
import type { OpenRegistry } from "#worlds/embedded/world.ts";

/** The folder's deliveries were registered elsewhere: versions and aliases would be missing here. */
export class RegistryChanged extends Error {
  override readonly name = "RegistryChanged";
}

type Folder = Pick<DataFolder, "root" | "database" | "mlflow">;

/** The MLflow server that a data folder registers its models with; undefined where its own database does. */
const readMlflowUri = ({ mlflow }: Folder): string | undefined =>
  existsSync(mlflow) ? readFileSync(mlflow, "utf8").trim() : undefined;

/**
 * Makes an MLflow server the registry of a folder that holds no deliveries yet; every later command on the folder finds
 * it there. Throws RegistryChanged where the folder has another registry.
 */
export const chooseMlflow = (folder: Folder, uri: string): void => {
  if (readMlflowUri(folder) === uri) return;
  if (existsSync(folder.database))
    throw new RegistryChanged(
      `the deliveries in ${folder.root} are registered with ${readMlflowUri(folder) ?? "the folder itself"}: start over with --fresh, or name another folder with --data.`,
    );
  writeFileSync(folder.mlflow, `${uri}\n`);
};

/** The registry of a data folder: its own database, or the MLflow server that was chosen for it. */
export const openFolderRegistry =
  (folder: Folder): OpenRegistry =>
  ({ database, blobs, clock }) => {
    const uri = readMlflowUri(folder);
    return uri === undefined
      ? createSqliteRegistry({ database, blobs, clock })
      : createMlflowRegistry({ uri, fetch, clock });
  };
