import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of scan-image. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.secrets,
  ...variableGroups.source,
  ...variableGroups.images,
});
