import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of move-champion. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.registry,
  ...variableGroups.images,
});
