import * as z from "zod";

export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "a digest is sha256: and 64 hex digits");

/** What an image is made from; it says all that the digest depends on. */
export type BuildRequest = {
  readonly model: string;
  /** The commit whose `models/<model>/` goes into the image. */
  readonly commit: string;
  /** Content hash of the runtime layer, `sha256:…`, as the delivery's input carries it. */
  readonly runtime: string;
};

export type Build = {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly buildId: string;
  /** What went in, for the provenance; absent where the builder signs that itself. */
  readonly contents?: BuildContents;
};

type BuildContents = {
  /** Digests of the image's layers, in their order. */
  readonly layers: readonly string[];
  /** SHA-256 of every file of the model's folder at the commit, in hex, by its name. */
  readonly files: Readonly<Record<string, string>>;
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
      /** Packages looked up, by ecosystem. */
      readonly scanned: Readonly<Record<string, number>>;
      /** Ecosystems in the image for which no advisories were loaded: nothing is known of their packages. */
      readonly unknownEcosystems: readonly string[];
      /** The advisories' own date, ISO 8601; absent where none are loaded. */
      readonly advisoriesAsOf?: string;
    };

/** Images of inference functions, named only by digest. */
export interface Images {
  /** Checks the model's folder and builds; a check that fails throws its own error (ManifestInvalid, ModelUnreadable …). */
  build(request: BuildRequest): Promise<Build>;
  describe(digest: string): Promise<{ readonly sizeBytes: number } | undefined>;
  scan(digest: string): Promise<Scan>;
  /**
   * Gives the image a tag, by which what clears up keeps it: `release-…` for what was promoted. The same tag again
   * changes nothing. Throws ImageNotFound, and ImageTagTaken where another image has it: a tag never moves.
   */
  release(digest: string, tag: string): Promise<void>;
}

export class ImageNotFound extends Error {
  override readonly name = "ImageNotFound";
}

/** The tag is another image's. */
export class ImageTagTaken extends Error {
  override readonly name = "ImageTagTaken";
}

/** The image could not be built, for a reason that does not lie in the model's folder. */
export class ImageBuildFailed extends Error {
  override readonly name = "ImageBuildFailed";
}

/** What is stored of an image is not what its digest says. */
export class ImageDamaged extends Error {
  override readonly name = "ImageDamaged";
}
