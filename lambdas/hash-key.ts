import * as z from "zod";

/** 32 to 64 random bytes in base64. */
export const HashKey = z
  .base64()
  .transform((text) => Buffer.from(text, "base64"))
  .refine(({ length }) => length >= 32 && length <= 64, "the key has 32 to 64 bytes, in base64");
