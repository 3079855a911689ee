import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of sweep-deliveries. */
export const Env = z.object({
  ...parts.store,
  ...parts.cipher,
  ...parts.deliveries,
  ...parts.secrets,
  ...parts.slack,
  ...parts.source,
  ...parts.provenance,
  ...parts.registry,
  ...parts.metrics,
  ...parts.images,
  ...parts.functions,
  ...parts.stage,
  ...parts.prod,
});
