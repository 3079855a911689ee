import * as z from "zod";
import type { Signer } from "#platform/signer/signer.ts";

export const payloadType = "application/vnd.in-toto+json";

const Base64 = z.base64().max(2_000_000);
/** https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md */
const Envelope = z.object({
  payloadType: z.literal(payloadType),
  payload: Base64,
  signatures: z
    .array(z.object({ keyid: z.string().max(2_048), sig: Base64 }))
    .min(1)
    .max(4),
});

/** A statement of 1,000 files has about 200 KB. */
const maxEnvelopeBytes = 2_000_000;

/** DSSE's pre-authentication encoding: no two pairs of type and body have the same bytes to sign. */
export const encodePreAuth = (type: string, body: Uint8Array): Uint8Array => {
  const typeBytes = Buffer.from(type, "utf8");
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${typeBytes.length} `),
    typeBytes,
    Buffer.from(` ${body.length} `),
    body,
  ]);
};

/** Returns the signed envelope as JSON. */
export const sealEnvelope =
  ({ signer }: { readonly signer: Signer }) =>
  async (payload: Uint8Array): Promise<Uint8Array> => {
    const { keyId, signature } = await signer.sign(encodePreAuth(payloadType, payload));
    const envelope: z.infer<typeof Envelope> = {
      payloadType,
      payload: Buffer.from(payload).toString("base64"),
      signatures: [{ keyid: keyId, sig: Buffer.from(signature).toString("base64") }],
    };
    return Buffer.from(JSON.stringify(envelope));
  };

/**
 * The payload and the key that signed it; undefined where the envelope is invalid or has no valid signature of this
 * signer's key. Nothing parses the payload before its signature is verified.
 */
export const openEnvelope =
  ({ signer }: { readonly signer: Pick<Signer, "verify"> }) =>
  async (bytes: Uint8Array): Promise<{ payload: Uint8Array; keyId: string } | undefined> => {
    if (bytes.length > maxEnvelopeBytes) return undefined;
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch {
      return undefined;
    }
    const envelope = Envelope.safeParse(json);
    if (!envelope.success) return undefined;
    const payload = Buffer.from(envelope.data.payload, "base64");
    const signed = encodePreAuth(envelope.data.payloadType, payload);
    for (const { keyid, sig } of envelope.data.signatures) {
      const signature = Buffer.from(sig, "base64");
      if (await signer.verify(signed, { keyId: keyid, signature })) return { payload, keyId: keyid };
    }
    return undefined;
  };
