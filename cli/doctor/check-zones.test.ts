import { expect, test } from "vitest";
import { checkZones } from "./check-zones.ts";
import type { AwsRequest } from "./create-aws-request.ts";

/** EC2's response as its reference shows it; a zone's letter and id differ from account to account. */
const zones =
  (ids: Readonly<Record<string, string>>, state = "available"): AwsRequest =>
  async () =>
    `<DescribeAvailabilityZonesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
   <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
   <availabilityZoneInfo>${Object.entries(ids)
     .map(
       ([name, id]) => `
      <item>
         <optInStatus>opt-in-not-required</optInStatus>
         <zoneName>${name}</zoneName>
         <zoneId>${id}</zoneId>
         <zoneState>${state}</zoneState>
         <zoneType>availability-zone</zoneType>
         <regionName>us-east-1</regionName>
         <messageSet/>
      </item>`,
     )
     .join("")}
   </availabilityZoneInfo>
</DescribeAvailabilityZonesResponse>`;

const configured = { region: "us-east-1", zones: ["us-east-1a", "us-east-1b"] };

test("zones where API Gateway makes VPC links are right, and named by their ids", async () => {
  const request = zones({ "us-east-1a": "use1-az6", "us-east-1b": "use1-az1" });
  expect(await checkZones(request, configured)).toEqual({
    status: "ok",
    sentence: "The registry's zones are us-east-1a (use1-az6) and us-east-1b (use1-az1).",
  });
});

test("a zone without VPC links is found by its id, and the remedy names the account's others", async () => {
  const request = zones({ "us-east-1a": "use1-az6", "us-east-1b": "use1-az3", "us-east-1c": "use1-az2" });
  expect(await checkZones(request, configured)).toEqual({
    status: "missing",
    sentence: expect.stringContaining("us-east-1b is use1-az3 in this account"),
    remedy: expect.stringContaining("Write two of us-east-1a, us-east-1c to registry.zones"),
  });
});

test("a zone that the account does not have, or that is not available, is missing", async () => {
  expect(await checkZones(zones({ "us-east-1a": "use1-az6" }), configured)).toMatchObject({
    sentence: "This account has no availability zone us-east-1b.",
  });
  const impaired = zones({ "us-east-1a": "use1-az6", "us-east-1b": "use1-az1" }, "impaired");
  expect(await checkZones(impaired, configured)).toMatchObject({
    status: "missing",
    sentence: "The availability zone us-east-1a is impaired.",
  });
});
