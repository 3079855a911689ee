import type { STSClient } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { nameAwsPerson } from "./name-aws-person.ts";

const name = (send: () => Promise<unknown>) =>
  nameAwsPerson({ sts: { send } as unknown as STSClient, account: "root", warn: () => undefined })();

test("a rollback is by whom AWS names, whatever the account on their machine is called", async () => {
  const arn = "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/ada@example.com";
  expect(await name(async () => ({ Arn: arn }))).toBe(arn);
});

test("without an answer of AWS it goes on, and says that nobody confirmed who it is", async () => {
  for (const send of [async () => ({}), () => Promise.reject(new Error("no network"))])
    expect(await name(send)).toBe("root (not confirmed by AWS)");
});
