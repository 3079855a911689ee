import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of claim-environment. */
export const Env = z.object({
  ...parts.store,
  ...parts.cipher,
  ...parts.deliveries,
  ...parts.secrets,
  ...parts.slack,
  ...parts.source,
});
