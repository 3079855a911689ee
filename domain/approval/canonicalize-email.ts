/** ASCII alone: letters that look alike (Cyrillic, full width) would make two addresses look like one. */
const emailPattern = /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/;

/**
 * The address that a person is known by: small letters, without `+tag`, without dots at the domain's end. Undefined:
 * this is no address in plain ASCII, so it can name nobody.
 */
export const canonicalizeEmail = (text: string): string | undefined => {
  if (text.length > 320) return undefined;
  const at = text.lastIndexOf("@");
  // Before anything is made small: Unicode has capital letters whose small form is ASCII.
  if (at < 1 || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  const domain = text
    .slice(at + 1)
    .replace(/\.+$/, "")
    .toLowerCase();
  const user = text.slice(0, at).toLowerCase();
  // In a code host's noreply address (`123+ada@users.noreply.github.com`) what follows the plus is the person.
  const email = `${domain.startsWith("users.noreply.") ? user : user.replace(/\+.*$/, "")}@${domain}`;
  return emailPattern.test(email) ? email : undefined;
};
