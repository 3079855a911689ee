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

  test("another key does not decrypt a text", async () => {
    const [subjectA, subjectB] = await Promise.all([subject(peer), subject(peer)]);
    const ciphertext = await subjectA.cipher.encrypt("x", { a: "b" });
    await expect(subjectB.cipher.decrypt(ciphertext, { a: "b" })).rejects.toThrow(CipherRefused);
    await Promise.all([subjectA.close(), subjectB.close()]);
  });

  test("the longest task token can be encrypted, and a text above KMS's limit is refused before the call", async () => {
    const { cipher, close } = await subject(peer);
    const token = "t".repeat(2_048);
    expect(await cipher.decrypt(await cipher.encrypt(token, { a: "b" }), { a: "b" })).toBe(token);
    await expect(cipher.encrypt("t".repeat(4_097), { a: "b" })).rejects.toThrow(RangeError);
    await close();
  });

  test("a missing key is not CipherRefused: the text may still be valid", async () => {
    const { close } = await subject(peer);
    const client = new KMSClient(peer.config());
    const cipher = createKmsCipher({ client, key: "00000000-0000-0000-0000-000000000000" });
    await expect(cipher.encrypt("x", { a: "b" })).rejects.toMatchObject({ name: "NotFoundException" });
    client.destroy();
    await close();
  });
});
