import type { RateLimit } from "./rate-limit.ts";

/** A key's rate limit and what is left of it after a request. */
export type Quota = {
  readonly rate: RateLimit;
  /** Requests that the key may still make now. */
  readonly remaining: number;
};

export type AdmittedKey = {
  readonly status: "admitted";
  readonly keyId: string;
  /** Absent if the request could not be counted. */
  readonly quota?: Quota;
};
export type ThrottledKey = {
  readonly status: "throttled";
  readonly keyId: string;
  readonly quota: Quota;
  /** Whole seconds, at least 1. */
  readonly retryAfter: number;
};
/** 401: no valid key; the caller does not learn why. 403: a valid key, but of other models. */
export type RefusedKey = { readonly status: "refused"; readonly httpStatus: 401 | 403 };

export type Admission = AdmittedKey | ThrottledKey | RefusedKey;

/** Decides whether a request's key (undefined: it has none) may call a model. Throws if keys cannot be read. */
export type Admit = (request: {
  readonly key: string | undefined;
  readonly model: string;
}) => Promise<Admission>;
