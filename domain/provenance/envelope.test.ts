import fc from "fast-check";
import { expect, test } from "vitest";
import { memorySigner } from "#test/support/memory-signer.ts";
import { encodePreAuth, openEnvelope, payloadType, sealEnvelope } from "./envelope.ts";

const signer = memorySigner();

test("the encoding matches the example of the DSSE specification", () => {
  // https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md#test-vectors
  const encoded = encodePreAuth("http://example.com/HelloWorld", Buffer.from("hello world"));
  expect(Buffer.from(encoded).toString()).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
});

test("no two pairs of type and body have the same encoding", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (type, body, otherType, otherBody) => {
      fc.pre(type !== otherType || body !== otherBody);
      const encoded = encodePreAuth(type, Buffer.from(body));
      expect(Buffer.compare(encoded, encodePreAuth(otherType, Buffer.from(otherBody)))).not.toBe(0);
    }),
  );
});

test("a sealed payload opens unchanged, with the key that signed it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (payload) => {
      const opened = await openEnvelope({ signer })(await sealEnvelope({ signer })(payload));
      expect(Buffer.compare(opened?.payload ?? Buffer.from("?"), payload)).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test("an envelope with any changed byte never opens with another payload", async () => {
  const payload = Buffer.from('{"a":1}');
  const sealed = await sealEnvelope({ signer })(payload);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Uint8Array.from(sealed, (byte, index) => (index === at ? byte ^ 1 : byte));
    const opened = await openEnvelope({ signer })(changed);
    if (opened) expect(Buffer.compare(opened.payload, payload)).toBe(0);
  }
});

test("a valid signature counts in any position", async () => {
  const sealed = JSON.parse(Buffer.from(await sealEnvelope({ signer })(Buffer.from("x"))).toString());
  const foreign = JSON.parse(
    Buffer.from(await sealEnvelope({ signer: memorySigner() })(Buffer.from("x"))).toString(),
  );
  const both = { ...sealed, signatures: [...foreign.signatures, ...sealed.signatures] };
  expect(await openEnvelope({ signer })(Buffer.from(JSON.stringify(both)))).toBeDefined();
  expect(await openEnvelope({ signer })(Buffer.from(JSON.stringify(foreign)))).toBeUndefined();
  expect(sealed.payloadType).toBe(payloadType);
});
