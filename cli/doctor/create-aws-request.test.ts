import { expect, test } from "vitest";
import { createAwsRequest } from "./create-aws-request.ts";
import { reportCheckError } from "./report-check-error.ts";

const credentials = async () => ({ accessKeyId: "AKIA", secretAccessKey: "secret" });
const open = (response: () => Response, seen: Request[] = []) =>
  createAwsRequest({
    fetch: async (input, init) => {
      seen.push(new Request(input, init));
      return response();
    },
    region: "eu-central-1",
    credentials,
    clock: () => Date.UTC(2026, 10, 29),
  });
const quota = { headers: { "x-amz-target": "ServiceQuotasV20190624.GetServiceQuota" }, body: "{}" };

test("a request is signed for its service and region", async () => {
  const seen: Request[] = [];
  await open(() => new Response("{}"), seen)("servicequotas", quota);
  expect(seen[0]?.url).toBe("https://servicequotas.eu-central-1.amazonaws.com/");
  expect(seen[0]?.headers.get("authorization")).toContain(
    "Credential=AKIA/20261129/eu-central-1/servicequotas/aws4_request",
  );
});

test("AWS's refusal becomes a finding with the permission's name, in JSON and in XML", async () => {
  const json = open(() =>
    Response.json(
      {
        __type: "com.amazon.coral.service#AccessDeniedException",
        Message:
          "User: arn:aws:sts::123456789012:assumed-role/x/y is not authorized to perform: servicequotas:GetServiceQuota",
      },
      { status: 400 },
    ),
  );
  expect(
    await reportCheckError("the quota", async () => {
      await json("servicequotas", quota);
      return undefined;
    })(),
  ).toEqual({
    status: "warning",
    sentence: expect.stringContaining("You have no right to read the quota (servicequotas:GetServiceQuota)"),
    remedy: "Run the doctor with a profile that has the permission servicequotas:GetServiceQuota.",
  });

  // EC2 does not name the action.
  const xml = open(
    () =>
      new Response(
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors></Response>",
        { status: 403 },
      ),
  );
  expect(
    await reportCheckError(
      "the zones",
      async () => {
        await xml("ec2", quota);
        return undefined;
      },
      "ec2:DescribeAvailabilityZones",
    )(),
  ).toMatchObject({
    status: "warning",
    remedy: expect.stringContaining("ec2:DescribeAvailabilityZones"),
  });
});
