import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of promote-model. */
export const Env = z.object({
  ...parts.store,
  ...parts.deliveries,
  ...parts.secrets,
  ...parts.slack,
  ...parts.functions,
  ...parts.prod,
});
