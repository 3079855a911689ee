import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of notify. */
export const Env = z.object({
  ...variableGroups.secrets,
  ...variableGroups.slack,
});
