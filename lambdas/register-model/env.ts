import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of register-model. */
export const Env = z.object({
  ...parts.store,
  ...parts.secrets,
  ...parts.source,
  ...parts.provenance,
  ...parts.builder,
  ...parts.registry,
});
