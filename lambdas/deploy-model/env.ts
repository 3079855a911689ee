import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of deploy-model. */
export const Env = z.object({
  ...parts.store,
  ...parts.secrets,
  ...parts.source,
  ...parts.provenance,
  ...parts.functions,
  ...parts.stage,
  ...parts.prod,
});
