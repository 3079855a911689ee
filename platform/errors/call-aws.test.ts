import { expect, test } from "vitest";
import { callAws } from "./call-aws.ts";

const failWith = (name: string, status: number, message = "no") =>
  callAws("S3 PutObject", async () => {
    throw Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
  });

test.each(["AccessDenied", "AccessDeniedException"])(
  "%s is PermissionMissing, and the message names the call and who grants the permission",
  async (name) => {
    const awsMessage = "User: arn:aws:sts::1:assumed-role/r is not authorized to perform: s3:PutObject";
    await expect(failWith(name, 403, awsMessage)).rejects.toMatchObject({
      name: "PermissionMissing",
      message: expect.stringMatching(
        /^S3 PutObject is not allowed: .*s3:PutObject.* platform team grants it/,
      ),
    });
  },
);

test("throttling and server errors are TemporaryFault, which the state machine retries", async () => {
  await expect(failWith("SlowDown", 503)).rejects.toMatchObject({ name: "TemporaryFault" });
  await expect(failWith("Whatever", 500)).rejects.toMatchObject({ name: "TemporaryFault" });
});

test("other client errors are rethrown unchanged", async () => {
  await expect(failWith("NoSuchBucket", 404)).rejects.toMatchObject({ name: "NoSuchBucket" });
});
