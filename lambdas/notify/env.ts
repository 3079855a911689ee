import * as z from "zod";
import { parts } from "#worlds/aws/environment/environment-parts.ts";

/** Environment variables of notify. */
export const Env = z.object({
  ...parts.secrets,
  ...parts.slack,
});
