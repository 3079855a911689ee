import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of sweep-deliveries. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.cipher,
  ...variableGroups.deliveries,
  ...variableGroups.secrets,
  ...variableGroups.slack,
  ...variableGroups.source,
  ...variableGroups.audit,
  ...variableGroups.provenance,
  ...variableGroups.registry,
  ...variableGroups.metrics,
  ...variableGroups.images,
  ...variableGroups.functions,
  ...variableGroups.stage,
  ...variableGroups.prod,
});
