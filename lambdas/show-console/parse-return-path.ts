const longest = 1_024;
/** Printable ASCII without a backslash, which browsers read as a slash, and without control characters. */
const pathPattern = /^\/[!-[\]-~]*$/;

/**
 * The page of the console to which a person returns after signing in: a path on this origin with its query, or `/` for
 * anything else. The URL parser resolves `/..//host` to `//host`, so the result is checked once more.
 * https://cheatsheetseries.owasp.org/cheatsheets/Unvalidated_Redirects_and_Forwards_Cheat_Sheet.html
 */
export const parseReturnPath = (value: string | null | undefined): string => {
  if (!value || value.length > longest || !pathPattern.test(value)) return "/";
  const origin = "https://console.invalid";
  if (!URL.canParse(value, origin)) return "/";
  const url = new URL(value, origin);
  const path = `${url.pathname}${url.search}`;
  return url.origin === origin && pathPattern.test(path) && !path.startsWith("//") ? path : "/";
};
