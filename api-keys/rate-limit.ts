import * as z from "zod";

/**
 * How many requests a key may make: `burst` within any `burst / perMinute` minutes. In the long run that is `perMinute`,
 * and never more than `perMinute + burst` in one minute (exactly `perMinute` if both are equal).
 */
export const RateLimit = z
  .object({
    /** At most half of what DynamoDB writes to one partition in a minute: each counted request is a write. */
    perMinute: z.int().min(1).max(30_000),
    burst: z.int().min(1),
  })
  .refine(({ perMinute, burst }) => burst <= perMinute && burst * 60 >= perMinute, {
    message: "a burst must be at least the requests of one second and at most those of one minute",
  });
export type RateLimit = z.infer<typeof RateLimit>;
