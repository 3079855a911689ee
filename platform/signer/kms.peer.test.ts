import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { expect, test } from "vitest";
import { signerContract } from "#test/contracts/signer.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { createKmsSigner } from "./kms.ts";

const subject = async (peer: MotoPeer) => {
  const direct = new KMSClient(peer.direct());
  const createKey = async () => {
    const response = await direct.send(
      new CreateKeyCommand({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }),
    );
    return response.KeyMetadata?.Arn ?? "";
  };
  const [key, otherKey] = [await createKey(), await createKey()];
  direct.destroy();
  const client = new KMSClient(peer.config());
  return {
    signer: createKmsSigner({ client, key }),
    elsewhere: createKmsSigner({ client, key }),
    other: createKmsSigner({ client, key: otherKey }),
    close: async () => client.destroy(),
  };
};

describeWithFaults("signer", (peer, name) => {
  signerContract(`KMS, ${name}`, () => subject(peer));

  test("verify throws for a missing key instead of returning false", async () => {
    const { signer, close } = await subject(peer);
    const client = new KMSClient(peer.config());
    const key = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000";
    const { signature } = await signer.sign(Buffer.from("x"));
    const signerWithoutKey = createKmsSigner({ client, key });
    await expect(signerWithoutKey.verify(Buffer.from("x"), { keyId: key, signature })).rejects.toMatchObject({
      name: "NotFoundException",
    });
    client.destroy();
    await close();
  });
});
