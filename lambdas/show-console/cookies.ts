const format = (name: string, value: string, seconds: number): string =>
  `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${seconds}`;

const createCookie = (name: string) => ({
  name,
  /** `seconds`: how long the browser keeps it. */
  set: (value: string, seconds: number): string => format(name, value, seconds),
  remove: (): string => format(name, "", 0),
});

/**
 * The console's cookies. `__Host-`: only this host sets and gets them, over TLS alone. Lax: they come along when someone
 * follows a link in Slack, and with no request that another site makes in the background.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie
 */
export const consoleCookies = {
  session: createCookie("__Host-slipway-session"),
  /** Between the start of a sign-in and its end. */
  attempt: createCookie("__Host-slipway-sign-in"),
} as const;
