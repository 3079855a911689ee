import * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { LocalFile } from "#platform/files/local-file.ts";

export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "a digest is sha256: and 64 hex digits");

/** Everything that an image's digest depends on. */
export type BuildRequest = {
  readonly model: string;
  /** The image contains `models/<model>/` of this commit. */
  readonly commit: string;
  /** Content hash of the runtime layer, `sha256:…`, from the delivery's input. */
  readonly runtime: string;
};

export type Build = {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly buildId: string;
  /** The contents, for the provenance; absent if the builder signs them itself. */
  readonly contents?: BuildContents;
};

type BuildContents = {
  /** Digests of the image's layers, in order. */
  readonly layers: readonly string[];
  /** SHA-256 (hex) of every file of the model's folder at the commit, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** Git's ids (hex) of the same files. */
  readonly gitBlobs: Readonly<Record<string, string>>;
  /** SHA-256 (hex) of the packed ONNX file, which may be outside the repository. */
  readonly artifact: string;
};

/** The world's part in a build. */
export type BuildOptions = {
  /** Adds an artefact that is outside the repository to the copied files; absent: there is none. */
  readonly resolveFiles?: (
    files: ReadonlyMap<string, LocalFile>,
    at: { readonly commit: string; readonly folder: string },
  ) => Promise<ReadonlyMap<string, LocalFile>>;
  /** Keeps the packed artefact for the registration; absent: nobody registers what is built. */
  readonly keepArtifact?: (artifact: LocalFile) => Promise<void>;
};

export type Severity = "critical" | "high" | "medium" | "low" | "unknown";

export type Finding = {
  readonly id: string;
  readonly package: string;
  readonly version: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly fixedIn?: string;
};

export type Scan =
  | { readonly status: "pending" }
  | {
      readonly status: "complete";
      readonly findings: readonly Finding[];
      /** Numbers of scanned packages, by ecosystem. */
      readonly scanned: Readonly<Record<string, number>>;
      /** Ecosystems in the image without advisories: their packages were not scanned. */
      readonly unknownEcosystems: readonly string[];
      /** What a person does so that the next scan knows them. */
      readonly remedy?: string;
      /** The advisories' own date, ISO 8601; absent without advisories. */
      readonly advisoriesAsOf?: string;
    };

/** Images of inference functions, identified only by digest. */
export interface Images {
  /** Checks the model's folder and builds the image; a failed check throws its own error (ManifestInvalid, ModelUnreadable …). */
  build(request: BuildRequest, options?: BuildOptions): Promise<Build>;
  describe(digest: string): Promise<{ readonly sizeBytes: number } | undefined>;
  scan(digest: string): Promise<Scan>;
  /**
   * Tags the image, so that clean-up rules keep it: `release-…` for promoted images. Idempotent.
   * Throws ImageNotFound, and ImageTagTaken if another image has the tag: a tag never moves.
   */
  release(digest: string, tag: string): Promise<void>;
}

export class ImageNotFound extends SlipwayError {
  override readonly name = "ImageNotFound";
  override readonly retryable = false;
}

/** Another image has the tag. */
export class ImageTagTaken extends SlipwayError {
  override readonly name = "ImageTagTaken";
  override readonly retryable = false;
}

/** The build failed for a reason outside the model's folder. */
export class ImageBuildFailed extends SlipwayError {
  override readonly name = "ImageBuildFailed";
  override readonly retryable = false;
}

/** The stored bytes of an image do not match its digest. */
export class ImageDamaged extends SlipwayError {
  override readonly name = "ImageDamaged";
  override readonly retryable = false;
}
