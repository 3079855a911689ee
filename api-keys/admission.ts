import type { RateLimit } from "./rate-limit.ts";

/** Where a key stands against its rate after a request. */
export type Quota = {
  readonly rate: RateLimit;
  /** Requests that may follow at once. */
  readonly remaining: number;
};

export type AdmittedKey = {
  readonly status: "admitted";
  readonly keyId: string;
  /** Absent where the request could not be counted. */
  readonly quota?: Quota;
};
export type ThrottledKey = {
  readonly status: "throttled";
  readonly keyId: string;
  readonly quota: Quota;
  /** Whole seconds, at least 1. */
  readonly retryAfter: number;
};
/** 401: no key that is valid here, and the caller is not told why. 403: a valid key, of other models. */
export type RefusedKey = { readonly status: "refused"; readonly answer: 401 | 403 };

/** What became of the key that a request brought. */
export type Admission = AdmittedKey | ThrottledKey | RefusedKey;

/** Decides on the key that a request brought (undefined: none) for a model. Throws where keys cannot be read. */
export type Admit = (request: {
  readonly given: string | undefined;
  readonly model: string;
}) => Promise<Admission>;
