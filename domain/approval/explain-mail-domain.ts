/** Services at which everybody can have an address; the most used ones. */
const publicMailDomains = new Set([
  "163.com",
  "aol.com",
  "free.fr",
  "gmail.com",
  "gmx.com",
  "gmx.de",
  "gmx.net",
  "googlemail.com",
  "hotmail.com",
  "icloud.com",
  "live.com",
  "mail.com",
  "mail.ru",
  "me.com",
  "msn.com",
  "orange.fr",
  "outlook.com",
  "pm.me",
  "proton.me",
  "protonmail.com",
  "qq.com",
  "t-online.de",
  "web.de",
  "yahoo.com",
  "yandex.ru",
  "ymail.com",
  "zoho.com",
]);

/** Why a domain cannot be the organisation's: everybody could have an address there. Undefined: it can. */
export const explainMailDomain = (domain: string): string | undefined =>
  publicMailDomains.has(domain.toLowerCase())
    ? `${domain} is a public mail service: everybody can have an address there. List people in the policy's identities instead.`
    : undefined;
