import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of roll-back. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.cipher,
  ...variableGroups.deliveries,
  ...variableGroups.secrets,
  ...variableGroups.source,
  ...variableGroups.provenance,
  ...variableGroups.registry,
  ...variableGroups.functions,
  ...variableGroups.stage,
  ...variableGroups.prod,
});
