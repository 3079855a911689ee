import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of judge-canary. */
export const Env = z.object({
  ...parts.store,
  ...parts.deliveries,
  ...parts.secrets,
  ...parts.metrics,
  ...parts.slack,
  ...parts.source,
  ...parts.prodRole,
});
