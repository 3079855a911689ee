import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { expect, test } from "vitest";
import { signerContract } from "#test/contracts/signer.ts";
import { type Peer, throughFaults } from "#test/peers/through-faults.ts";
import { kmsSigner } from "./kms.ts";

const subject = async (peer: Peer) => {
  const direct = new KMSClient(peer.direct());
  const makeKey = async () => {
    const made = await direct.send(
      new CreateKeyCommand({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }),
    );
    return made.KeyMetadata?.Arn ?? "";
  };
  const [key, otherKey] = [await makeKey(), await makeKey()];
  direct.destroy();
  const client = new KMSClient(peer.config());
  return {
    signer: kmsSigner({ client, key }),
    elsewhere: kmsSigner({ client, key }),
    other: kmsSigner({ client, key: otherKey }),
    close: async () => client.destroy(),
  };
};

throughFaults("signer", (peer, name) => {
  signerContract(`KMS, ${name}`, () => subject(peer));

  test("a key that is not there is an error, and no signature that does not hold", async () => {
    const { signer, close } = await subject(peer);
    const client = new KMSClient(peer.config());
    const key = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000";
    const { signature } = await signer.sign(Buffer.from("x"));
    const gone = kmsSigner({ client, key });
    await expect(gone.verify(Buffer.from("x"), { keyId: key, signature })).rejects.toMatchObject({
      name: "NotFoundException",
    });
    client.destroy();
    await close();
  });
});
