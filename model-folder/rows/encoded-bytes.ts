/** Decodes base64 (RFC 4648, section 4) strictly; undefined for any other text. */
export const decodeBase64 = (text: string): Uint8Array<ArrayBuffer> | undefined => {
  const end = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length;
  // One class and no repetition: the expression needs no stack for a text of megabytes.
  if (text.length % 4 !== 0 || /[^A-Za-z0-9+/]/.test(text.slice(0, end))) return undefined;
  const bytes = new Uint8Array((text.length / 4) * 3 - (text.length - end));
  return Buffer.from(bytes.buffer).write(text, "base64") === bytes.length ? bytes : undefined;
};

/** The text of `{ base64: "…" }`; undefined for any other value. */
export const readEncoded = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const text: unknown = Object.hasOwn(value, "base64") ? Reflect.get(value, "base64") : undefined;
  return Object.keys(value).length === 1 && typeof text === "string" ? text : undefined;
};
