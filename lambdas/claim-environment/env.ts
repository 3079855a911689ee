import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of claim-environment. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.cipher,
  ...variableGroups.deliveries,
  ...variableGroups.secrets,
  ...variableGroups.slack,
  ...variableGroups.source,
});
