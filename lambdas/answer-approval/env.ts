import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of answer-approval. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.cipher,
  ...variableGroups.deliveries,
  ...variableGroups.secrets,
  ...variableGroups.metrics,
  ...variableGroups.slack,
  ...variableGroups.audit,
  /** The workspace and the app that callbacks have to come from. */
  SLACK_TEAM_ID: z.string().min(1),
  SLACK_APP_ID: z.string().min(1),
});
