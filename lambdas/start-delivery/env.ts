import * as z from "zod";
import { Digest } from "#platform/images/images.ts";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of start-delivery. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.deliveries,
  ...variableGroups.secrets,
  ...variableGroups.source,
  /** Pushes to other branches are recorded and deliver nothing. */
  SOURCE_BRANCH: z.string().min(1).default("main"),
  /** Content hash of the runtime layer that images get. */
  RUNTIME_DIGEST: Digest,
});
