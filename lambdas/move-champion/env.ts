import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of move-champion. */
export const Env = z.object({
  ...parts.store,
  ...parts.registry,
  ...parts.images,
});
