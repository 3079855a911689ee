import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of report-source. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.deliveries,
  ...variableGroups.secrets,
  ...variableGroups.source,
  ...variableGroups.sourceReports,
  CONSOLE_URL: variableGroups.slack.CONSOLE_URL,
});
