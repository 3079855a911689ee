/** An object's members, as JSON gave them. */
type JsonObject = { readonly [name: string]: unknown };

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The members of what should be an object; undefined where it is none. */
export const asJsonObject = (value: unknown): JsonObject | undefined => (isObject(value) ? value : undefined);
