import { hkdfSync } from "node:crypto";
import { EncryptJWT, errors, jwtDecrypt } from "jose";
import type * as z from "zod";

type Needs<Value> = {
  /** `session`: a cookie that was sealed for another purpose does not open. */
  readonly purpose: string;
  readonly schema: z.ZodType<Value>;
  /** The secrets from which keys derive: the first one seals, each of them opens. */
  readonly secrets: () => Promise<readonly string[]>;
};

/** Seals a value into the text of a cookie and opens it again. */
export type SealedCookie<Value> = {
  /** `expiresAt`: epoch milliseconds. */
  readonly seal: (value: Value, expiresAt: number) => Promise<string>;
  /** Undefined for a text that is absent, changed, expired, or sealed by another secret or for another purpose. */
  readonly open: (text: string | undefined, now: number) => Promise<Value | undefined>;
};

const algorithms = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
const longestText = 4_096;

const shortestSecret = 32;

/** A secret is random, so no slow derivation is needed. https://www.rfc-editor.org/rfc/rfc5869 */
const deriveKey = (secret: string, purpose: string): Uint8Array => {
  // Somebody typed it: who has a cookie could find it out.
  if (secret.length < shortestSecret)
    throw new Error(`the secret of the console's cookies has fewer than ${shortestSecret} characters`);
  return new Uint8Array(hkdfSync("sha256", secret, "", `slipway console ${purpose}`, 32));
};

/** A cookie as an encrypted JWT: nobody who has it can read or change it. */
export const createSealedCookie = <Value extends object>({
  purpose,
  schema,
  secrets,
}: Needs<Value>): SealedCookie<Value> => ({
  seal: async (value, expiresAt) => {
    const [secret] = await secrets();
    if (secret === undefined) throw new Error("there is no secret to seal cookies with");
    return new EncryptJWT({ value })
      .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
      .setAudience(purpose)
      .setExpirationTime(Math.floor(expiresAt / 1_000))
      .encrypt(deriveKey(secret, purpose));
  },
  open: async (text, now) => {
    if (text === undefined || text.length > longestText) return undefined;
    for (const secret of await secrets())
      try {
        const options = {
          ...algorithms,
          audience: purpose,
          requiredClaims: ["exp"],
          currentDate: new Date(now),
        };
        const { payload } = await jwtDecrypt(text, deriveKey(secret, purpose), options);
        return schema.safeParse(payload.value).data;
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error;
      }
    return undefined;
  },
});
