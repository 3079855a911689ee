import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of scan-image. */
export const Env = z.object({
  ...parts.store,
  ...parts.secrets,
  ...parts.source,
  ...parts.images,
});
