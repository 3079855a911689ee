/** An object's members, as JSON gave them. */
export type Fields = { readonly [name: string]: unknown };

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The members of what should be an object; undefined where it is none. */
export const fields = (value: unknown): Fields | undefined => (isObject(value) ? value : undefined);
