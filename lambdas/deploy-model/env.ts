import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of deploy-model. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.secrets,
  ...variableGroups.source,
  ...variableGroups.provenance,
  ...variableGroups.functions,
  ...variableGroups.stage,
  ...variableGroups.prod,
});
