import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of roll-back. */
export const Env = z.object({
  ...parts.store,
  ...parts.cipher,
  ...parts.deliveries,
  ...parts.secrets,
  ...parts.source,
  ...parts.provenance,
  ...parts.registry,
  ...parts.functions,
  ...parts.stage,
  ...parts.prod,
});
