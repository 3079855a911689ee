import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of promote-model. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.deliveries,
  ...variableGroups.secrets,
  ...variableGroups.slack,
  ...variableGroups.source,
  ...variableGroups.functions,
  ...variableGroups.prod,
});
