import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of watch-models. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.metrics,
  ...variableGroups.stageRole,
  ...variableGroups.prodRole,
});
