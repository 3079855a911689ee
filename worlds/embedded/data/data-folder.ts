import { join } from "node:path";

/** What lies where in the data folder (`.slipway/`). */
export const resolveDataFolder = (root: string) => ({
  root,
  /** Store, registry, metrics, executions. */
  database: join(root, "state.sqlite"),
  desk: join(root, "desk.sqlite"),
  blobs: join(root, "blobs"),
  /** OCI layouts and unpacked images. */
  images: join(root, "images"),
  /** The watched repository that models are committed to. */
  repository: join(root, "repository"),
  secrets: join(root, "secrets.env"),
  cipherKey: join(root, "cipher.key"),
  /** Signs what the builder says of its images. */
  signerKey: join(root, "signer.key"),
  /** The address of the MLflow server that is the registry; absent: the database is. */
  mlflow: join(root, "mlflow"),
  /** Held by the one process that owns this folder; empty. */
  lock: join(root, "owner.lock"),
  /** Who that is, and where it listens. */
  running: join(root, "running.json"),
  /** Lines of the functions and warnings. */
  log: join(root, "rehearsal.log"),
});
export type DataFolder = ReturnType<typeof resolveDataFolder>;
