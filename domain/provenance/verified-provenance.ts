import * as z from "zod";
import { Digest } from "#platform/images/images.ts";
import { CommitId } from "#platform/source/source.ts";

/** What was verified of how an image was built. */
export const Provenance = z.object({
  /** Digest of the builder's own code. */
  builder: Digest,
  builderId: z.string(),
  commit: CommitId,
  buildId: z.string(),
  /** The key whose signature holds. */
  keyId: z.string(),
});
export type Provenance = z.infer<typeof Provenance>;
