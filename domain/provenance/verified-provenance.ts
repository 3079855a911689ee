import * as z from "zod";
import { Digest } from "#platform/images/images.ts";
import { CommitId } from "#platform/source/source.ts";

export const Provenance = z.object({
  /** Digest of the builder's code. */
  builder: Digest,
  builderId: z.string(),
  commit: CommitId,
  buildId: z.string(),
  /** The key that signed it. */
  keyId: z.string(),
});
export type Provenance = z.infer<typeof Provenance>;
