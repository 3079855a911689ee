import type { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { FileStream } from "#platform/files/file-content.ts";

/** An artefact that is not in the repository. Hashes are SHA-256, hexadecimal; sizes are bytes. */
export type ArtifactReference =
  | {
      readonly kind: "address";
      readonly uri: string;
      readonly sha256: string;
      readonly size?: number | undefined;
    }
  /** A Git LFS pointer; `file`: its name in the model's folder. */
  | { readonly kind: "lfs"; readonly file: string; readonly sha256: string; readonly size: number };

/** Reads artefacts that are not in the repository. */
export interface Artifacts {
  /** Throws ArtifactRefused and ArtifactTooLarge for what the rules alone rule out, without reading anything. */
  assertAllowed(reference: ArtifactReference, rules: ArtifactRules): void;
  /**
   * The artefact in chunks. Hash and size are compared on the way: a reader never gets the last chunk of a content that
   * differs. Throws ArtifactRefused, ArtifactMissing, ArtifactDiffers, ArtifactUnreachable, ArtifactTooLarge,
   * LfsUnavailable.
   */
  open(reference: ArtifactReference, rules: ArtifactRules): AsyncIterable<Uint8Array>;
}

/** Artefacts by their SHA-256, written once and never changed. */
export interface ArtifactStore {
  /** Keeps a file; if it is there already, nothing changes. Throws ArtifactDiffers if other bytes are in its place. */
  keep(file: FileStream): Promise<void>;
  /** Undefined: it was never kept. */
  find(sha256: string): Promise<FileStream | undefined>;
}

/** The name of an artefact in every store. */
export const toArtifactKey = (sha256: string): string => `artefacts/sha256/${sha256}`;

/** The content is not where the reference says: a pointer without its object, an address without a file. */
export class ArtifactMissing extends SlipwayError {
  override readonly name = "ArtifactMissing";
  override readonly retryable = false;
}

/** The content is not what the reference says. */
export class ArtifactDiffers extends SlipwayError {
  override readonly name = "ArtifactDiffers";
  override readonly retryable = false;
}

/** The address is not allowed, or leads to one that is not. */
export class ArtifactRefused extends SlipwayError {
  override readonly name = "ArtifactRefused";
  override readonly retryable = false;
}

/** The host does not answer, or not in time. Nobody here knows when it will: a person delivers again. */
export class ArtifactUnreachable extends SlipwayError {
  override readonly name = "ArtifactUnreachable";
  override readonly retryable = false;
}

export class ArtifactTooLarge extends SlipwayError {
  override readonly name = "ArtifactTooLarge";
  override readonly retryable = false;
}

/** The repository's host has no Git LFS. */
export class LfsUnavailable extends SlipwayError {
  override readonly name = "LfsUnavailable";
  override readonly retryable = false;
}
