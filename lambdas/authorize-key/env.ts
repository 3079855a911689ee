import * as z from "zod";

/** Environment variables of authorize-key. */
export const Env = z.object({
  /** This environment's table, in its account: API keys with their counters, and prediction records. */
  KEYS_TABLE: z.string().min(1),
  SLIPWAY_ENVIRONMENT: z.enum(["stage", "prod"]),
});
