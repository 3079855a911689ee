import type { Manifest } from "#model-folder/manifest/manifest.ts";

/** What serving a model's folder takes from its files, besides the ONNX file itself. */
export type PreparedFolder = {
  readonly manifest: Manifest;
  /** SHA-256 of the ONNX file. */
  readonly digest: string;
  /** Why the model must run in a process of its own; undefined: it may run in the one that answers requests. */
  readonly isolated?: string | undefined;
  /** The bytes of `model.plan` (compiled/plan-format.ts), for a model that is not isolated. */
  readonly plan?: Uint8Array | undefined;
};
