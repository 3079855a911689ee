import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { expect, test } from "vitest";
import { cipherContract } from "#test/contracts/cipher.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { CipherRefused } from "./cipher.ts";
import { createKmsCipher } from "./kms.ts";

const subject = async (peer: MotoPeer) => {
  const direct = new KMSClient(peer.direct());
  const { KeyMetadata } = await direct.send(new CreateKeyCommand({}));
  direct.destroy();
  const client = new KMSClient(peer.config());
  return {
    cipher: createKmsCipher({ client, key: KeyMetadata?.KeyId ?? "" }),
    close: async () => client.destroy(),
  };
};

describeWithFaults("cipher", (peer, name) => {
  cipherContract(`KMS, ${name}`, () => subject(peer));

  test("a text does not open under another key", async () => {
    const [one, other] = await Promise.all([subject(peer), subject(peer)]);
    const sealed = await one.cipher.encrypt("x", { a: "b" });
    await expect(other.cipher.decrypt(sealed, { a: "b" })).rejects.toThrow(CipherRefused);
    await Promise.all([one.close(), other.close()]);
  });

  test("the longest task token is taken, and what KMS does not encrypt is refused before it is sent", async () => {
    const { cipher, close } = await subject(peer);
    const token = "t".repeat(2_048);
    expect(await cipher.decrypt(await cipher.encrypt(token, { a: "b" }), { a: "b" })).toBe(token);
    await expect(cipher.encrypt("t".repeat(4_097), { a: "b" })).rejects.toThrow(RangeError);
    await close();
  });

  test("a key that may not be used is no CipherRefused: the text may be as good as ever", async () => {
    const { close } = await subject(peer);
    const client = new KMSClient(peer.config());
    const cipher = createKmsCipher({ client, key: "00000000-0000-0000-0000-000000000000" });
    await expect(cipher.encrypt("x", { a: "b" })).rejects.toMatchObject({ name: "NotFoundException" });
    client.destroy();
    await close();
  });
});
