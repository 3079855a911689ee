import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** The registry's names for versions that play a part in serving. */
export type Alias = "champion" | "challenger" | "previous_champion";

export type ModelVersion = {
  readonly model: string;
  /** 1, 2, 3 … per model. */
  readonly version: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: readonly Alias[];
};

export type Registration = {
  readonly model: string;
  /** Registering again for the same delivery returns the same version. */
  readonly delivery: string;
  /** The ONNX file's bytes. */
  readonly artifact: Uint8Array;
  /** The content of the tokenizer's file, if the manifest names one. */
  readonly tokenizer?: Uint8Array | undefined;
  /** The committed text. */
  readonly manifest: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Metrics of training (`metrics.json`), by name. */
  readonly metrics: Readonly<Record<string, number>>;
};

/** Immutable model versions with tags and movable aliases. */
export interface Registry {
  /** Creates the delivery's version, or completes and returns an existing one. */
  register(registration: Registration): Promise<ModelVersion>;
  version(model: string, version: number): Promise<ModelVersion | undefined>;
  byAlias(model: string, alias: Alias): Promise<ModelVersion | undefined>;
  /** The registered bytes of the ONNX file. */
  artifact(model: string, version: number): Promise<Uint8Array | undefined>;
  /** Moves an alias to a version; `undefined` removes it. */
  setAlias(model: string, alias: Alias, version: number | undefined): Promise<void>;
  setTags(model: string, version: number, tags: Readonly<Record<string, string>>): Promise<void>;
  /** Newest first. */
  versions(model: string, options: { readonly limit: number }): Promise<readonly ModelVersion[]>;
}

export class ModelVersionNotFound extends SlipwayError {
  override readonly name = "ModelVersionNotFound";
  override readonly retryable = false;
}
