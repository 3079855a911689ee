import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of request-approval. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.cipher,
  ...variableGroups.deliveries,
  ...variableGroups.secrets,
  ...variableGroups.slack,
  ...variableGroups.source,
  /** "true": stage and prod share an account, and every approval says so. */
  SLIPWAY_TRIAL: z.enum(["true"]).optional(),
});
