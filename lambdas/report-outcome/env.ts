import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of report-outcome. */
export const Env = z.object({
  ...parts.store,
  ...parts.deliveries,
  ...parts.secrets,
  ...parts.slack,
  ...parts.metrics,
});
