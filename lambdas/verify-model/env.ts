import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of verify-model. */
export const Env = z.object({
  ...parts.store,
  ...parts.secrets,
  ...parts.metrics,
  ...parts.source,
  ...parts.functions,
  ...parts.stage,
  ...parts.images,
});
