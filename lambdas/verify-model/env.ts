import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of verify-model. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.secrets,
  ...variableGroups.metrics,
  ...variableGroups.source,
  ...variableGroups.functions,
  ...variableGroups.stage,
  ...variableGroups.prodRole,
  ...variableGroups.images,
});
