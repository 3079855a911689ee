/** ASCII only: similar letters (Cyrillic, full width) would make two addresses look like one. */
const emailPattern = /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/;

/** Lower case, without `+tag`, without dots at the end of the domain. Undefined: not an ASCII address. */
export const canonicalizeEmail = (text: string): string | undefined => {
  if (text.length > 320) return undefined;
  const at = text.lastIndexOf("@");
  // Before toLowerCase: some non-ASCII capitals become ASCII letters.
  if (at < 1 || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  const domain = text
    .slice(at + 1)
    .replace(/\.+$/, "")
    .toLowerCase();
  const user = text.slice(0, at).toLowerCase();
  // In a code host's noreply address (`123+ada@users.noreply.github.com`) the part after the plus is the account.
  const email = `${domain.startsWith("users.noreply.") ? user : user.replace(/\+.*$/, "")}@${domain}`;
  return emailPattern.test(email) ? email : undefined;
};
