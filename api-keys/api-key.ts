import * as z from "zod";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { RateLimit } from "./rate-limit.ts";

const Secret = z.object({
  /** From api-keys/key-format.ts; the secret itself is never stored. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.int(),
  createdBy: z.string(),
  /** Epoch milliseconds from when it is invalid; null: it ends with the key. */
  endsAt: z.int().nullable(),
});

/** The name of the application that uses a key. */
export const ApplicationName = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._/@-]{0,99}$/u, "a name has 1 to 100 letters, digits, spaces and ._/@-");

/** The stored record of a key. */
export const ApiKey = z.object({
  id: z.string(),
  name: ApplicationName,
  environment: z.enum(["stage", "prod"]),
  models: z.union([z.literal("all"), z.array(ModelName).min(1).max(100)]),
  /** Oldest first. */
  secrets: z.array(Secret).min(1),
  rate: RateLimit,
  createdAt: z.int(),
  createdBy: z.string(),
  /** Epoch milliseconds. */
  expiresAt: z.int().nullable(),
  revoked: z.object({ at: z.int(), by: z.string() }).nullable(),
  /** The day (UTC) of the last admitted request. */
  lastUsed: z.iso.date().nullable(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** Whether a time (epoch milliseconds; null: never) has passed. */
export const isPast = (time: number | null, now: number): boolean => time !== null && time <= now;

/** The state of a key at `now` (epoch milliseconds). */
export const findKeyState = (
  { revoked, expiresAt }: Pick<ApiKey, "revoked" | "expiresAt">,
  now: number,
): "valid" | "revoked" | "expired" => {
  if (revoked !== null) return "revoked";
  return isPast(expiresAt, now) ? "expired" : "valid";
};
