import * as z from "zod";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { RateLimit } from "./rate-limit.ts";

const Secret = z.object({
  /** By api-keys/key-format.ts; of the secret itself nothing is kept. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.int(),
  createdBy: z.string(),
  /** Epoch milliseconds from which on it is void; null: as long as the key. */
  endsAt: z.int().nullable(),
});

/** The application that a key is for, as people call it. */
export const ApplicationName = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._/@-]{0,99}$/u, "a name is 1 to 100 letters, digits, spaces and ._/@-");

/** What is kept of a key. */
export const ApiKey = z.object({
  id: z.string(),
  name: ApplicationName,
  environment: z.enum(["stage", "prod"]),
  models: z.union([z.literal("all"), z.array(ModelName).min(1).max(100)]),
  /** The newest last. */
  secrets: z.array(Secret).min(1),
  rate: RateLimit,
  createdAt: z.int(),
  createdBy: z.string(),
  /** Epoch milliseconds. */
  expiresAt: z.int().nullable(),
  revoked: z.object({ at: z.int(), by: z.string() }).nullable(),
  /** The day (UTC) on which it was last let in. */
  lastUsed: z.iso.date().nullable(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** Whether a time (epoch milliseconds; null: never) has come. */
export const isPast = (at: number | null, now: number): boolean => at !== null && at <= now;

/** What has become of a key by `now` (epoch milliseconds). */
export const findKeyState = (
  { revoked, expiresAt }: Pick<ApiKey, "revoked" | "expiresAt">,
  now: number,
): "valid" | "revoked" | "expired" => {
  if (revoked !== null) return "revoked";
  return isPast(expiresAt, now) ? "expired" : "valid";
};
