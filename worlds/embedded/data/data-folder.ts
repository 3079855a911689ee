import { join } from "node:path";

/** The paths in a data folder (`.slipway/`). */
export const resolveDataFolder = (root: string) => ({
  root,
  /** Store, registry, metrics, executions. */
  database: join(root, "state.sqlite"),
  /** Records that `slipway serve` has confirmed and not yet written into the database. */
  recordsJournal: join(root, "records.journal"),
  desk: join(root, "desk.sqlite"),
  blobs: join(root, "blobs"),
  /** Heads of the audit trails, signed; apart from the database that holds the trails. */
  auditAnchors: join(root, "audit-anchors"),
  /** OCI layouts and unpacked images. */
  images: join(root, "images"),
  /** The watched repository, to which models are committed. */
  repository: join(root, "repository"),
  secrets: join(root, "secrets.env"),
  cipherKey: join(root, "cipher.key"),
  /** Signs the provenance of images. */
  signerKey: join(root, "signer.key"),
  /** The URL of the MLflow server that is the registry; absent: the database is. */
  mlflow: join(root, "mlflow"),
  /** The owner's lock; an empty file. */
  lock: join(root, "owner.lock"),
  /** The owner's process and URLs. */
  running: join(root, "running.json"),
  /** Warnings, and the output of functions. */
  log: join(root, "rehearsal.log"),
});
export type DataFolder = ReturnType<typeof resolveDataFolder>;
