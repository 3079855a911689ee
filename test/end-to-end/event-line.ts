import { z } from "zod";

/**
 * The four events on stdout with `--json`, as the README documents them. Written here a second time on purpose: a changed
 * form breaks its readers.
 */
const Delivery = z.string().regex(/^[a-z0-9-]+-[0-9a-f]{12}-[0-9a-f]{8}(-\d+)?$/);
const Milliseconds = z.number().min(0);
const LocalAddress = z.string().regex(/^http:\/\/127\.0\.0\.1:\d+\//);

export const EventLine = z.discriminatedUnion("event", [
  z.strictObject({
    event: z.literal("state"),
    delivery: Delivery,
    state: z.string().regex(/^[A-Z][A-Za-z]+$/),
    status: z.enum(["entered", "succeeded", "failed", "retried", "caught"]),
    ms: Milliseconds,
    verdict: z.enum(["pass", "fail", "inconclusive"]).optional(),
    failed: z.array(z.string()).optional(),
    omitted: z
      .array(z.strictObject({ name: z.string(), why: z.string(), remedy: z.string().optional() }))
      .min(1)
      .optional(),
    waits: z.strictObject({ why: z.string(), until: z.int().nullable() }).optional(),
  }),
  z.strictObject({
    event: z.literal("question"),
    delivery: Delivery,
    desk: LocalAddress,
    callbackUrl: LocalAddress,
  }),
  z.strictObject({
    event: z.literal("serving"),
    environment: z.enum(["stage", "prod"]),
    model: z.string(),
    version: z.int().positive(),
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    url: LocalAddress,
  }),
  z.strictObject({
    event: z.literal("outcome"),
    delivery: Delivery,
    outcome: z.enum(["promoted", "rejected", "expired", "superseded", "unchanged", "failed"]),
    error: z.string().optional(),
    cause: z.string().optional(),
    rolledBackBy: z.string().optional(),
  }),
]);
export type EventLine = z.infer<typeof EventLine>;
export type EventLineOfKind<Name extends EventLine["event"]> = Extract<EventLine, { event: Name }>;
