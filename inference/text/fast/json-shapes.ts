import { isJsonObject } from "#untrusted/is-json-object.ts";

/** Whether a value is an object without other keys. zod takes longer to load than a text model's file. */
export const hasOnlyKeys = <Key extends string>(
  value: unknown,
  keys: readonly Key[],
): value is Readonly<Partial<Record<Key, unknown>>> =>
  isJsonObject(value) && Object.keys(value).every((key) => keys.some((each) => each === key));

/** Whether a value is a token's id, or a text's type id: an integer of 32 bits without sign. */
export const isId = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
