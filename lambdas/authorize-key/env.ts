import * as z from "zod";

/** Environment variables of authorize-key. */
export const Env = z.object({
  /** The environment's own table, in its account: API keys and their counters, beside prediction records. */
  KEYS_TABLE: z.string().min(1),
  SLIPWAY_ENVIRONMENT: z.enum(["stage", "prod"]),
});
