import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { expect, test } from "vitest";
import { secretsContract } from "#test/contracts/secrets.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { createSsmSecrets } from "./ssm.ts";

const subject = async (peer: MotoPeer) => {
  const direct = new SSMClient(peer.direct());
  const values = { SLACK_BOT_TOKEN: "xoxb-contract", EMPTY_SECRET: " " };
  for (const [name, Value] of Object.entries(values))
    await direct.send(
      new PutParameterCommand({ Name: `/slipway/${name}`, Value, Type: "SecureString", Overwrite: true }),
    );
  direct.destroy();
  const client = new SSMClient(peer.config());
  return { secrets: createSsmSecrets({ client, prefix: "/slipway/" }), close: async () => client.destroy() };
};

describeWithFaults("secrets", (peer, name) => {
  secretsContract(`SSM, ${name}`, () => subject(peer));

  test("a hundred reads in a row all return the secret", async () => {
    const { secrets, close } = await subject(peer);
    for (let count = 0; count < 100; count += 1)
      expect(await secrets.read("SLACK_BOT_TOKEN")).toBe("xoxb-contract");
    await close();
  });

  test("the message for a missing secret says how to set it", async () => {
    const { secrets, close } = await subject(peer);
    await expect(secrets.read("MISSING_SECRET")).rejects.toThrow(
      "aws ssm put-parameter --overwrite --type SecureString --key-id alias/slipway --name /slipway/MISSING_SECRET",
    );
    await close();
  });
});
