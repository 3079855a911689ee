import type { Readable } from "node:stream";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { FileContent } from "#platform/files/file-content.ts";

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
  /** The ONNX file. */
  readonly artifact: FileContent;
  /** The tokenizer's file, if the manifest names one. */
  readonly tokenizer?: FileContent | undefined;
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
  /** The registered ONNX file as a stream: read it to its end, or destroy it. */
  artifact(model: string, version: number): Promise<Readable | undefined>;
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
