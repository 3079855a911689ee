import * as z from "zod";
import { parts } from "#lambdas/environment-parts.ts";

/** Environment variables of notify. */
export const Env = z.object({
  ...parts.secrets,
  ...parts.slack,
});
