import { expect, test } from "vitest";
import { callAws } from "./call-aws.ts";

const failWith = (name: string, status: number, message = "no") =>
  callAws("S3 PutObject", async () => {
    throw Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
  });

test.each(["AccessDenied", "AccessDeniedException"])(
  "%s: a bucket, table or key without permission is PermissionMissing, which names the call and who grants it",
  async (name) => {
    const said = "User: arn:aws:sts::1:assumed-role/r is not authorized to perform: s3:PutObject";
    await expect(failWith(name, 403, said)).rejects.toMatchObject({
      name: "PermissionMissing",
      message: expect.stringMatching(
        /^S3 PutObject is not allowed: .*s3:PutObject.* platform team grants it/,
      ),
    });
  },
);

test("throttling, and a fault of the service's, is for the state machine to try again", async () => {
  await expect(failWith("SlowDown", 503)).rejects.toMatchObject({ name: "TemporaryFault" });
  await expect(failWith("Whatever", 500)).rejects.toMatchObject({ name: "TemporaryFault" });
});

test("what the caller did wrong is thrown as it is", async () => {
  await expect(failWith("NoSuchBucket", 404)).rejects.toMatchObject({ name: "NoSuchBucket" });
});
