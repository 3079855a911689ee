import * as z from "zod";

/**
 * How many requests a key may make: `burst` within any `burst / perMinute` minutes. That is `perMinute` in the long
 * run, and never more than `perMinute + burst` in one minute (exactly `perMinute` where the two are the same).
 */
export const Rate = z
  .object({
    /** At most half of what DynamoDB writes to one partition in a minute: each counted request is a write. */
    perMinute: z.int().min(1).max(30_000),
    burst: z.int().min(1),
  })
  .refine(({ perMinute, burst }) => burst <= perMinute && burst * 60 >= perMinute, {
    message: "a burst is at least the requests of one second and at most those of one minute",
  });
export type Rate = z.infer<typeof Rate>;

/** Seconds of the window that a key's burst counts in. */
export const windowSeconds = ({ perMinute, burst }: Rate): number => (burst / perMinute) * 60;

/** Where a key stands against its rate after a request. */
export type Quota = {
  readonly rate: Rate;
  /** Requests that may follow at once. */
  readonly remaining: number;
};

export type Admitted = {
  readonly status: "admitted";
  readonly keyId: string;
  /** Absent where the request could not be counted. */
  readonly quota?: Quota;
};
export type Throttled = {
  readonly status: "throttled";
  readonly keyId: string;
  readonly quota: Quota;
  /** Whole seconds, at least 1. */
  readonly retryAfter: number;
};
/** 401: no key that is valid here, and the caller is not told why. 403: a valid key, of other models. */
export type Refused = { readonly status: "refused"; readonly answer: 401 | 403 };

/** What became of the key that a request brought. */
export type Admission = Admitted | Throttled | Refused;

/** Decides on the key that a request brought (undefined: none) for a model. Throws where keys cannot be read. */
export type Admit = (request: {
  readonly given: string | undefined;
  readonly model: string;
}) => Promise<Admission>;
