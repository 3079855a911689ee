import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { AwsRequest } from "./create-aws-request.ts";
import type { DoctorFinding } from "./finding.ts";

/**
 * Zones in which API Gateway makes no VPC link for HTTP APIs, of the regions that the configuration accepts. By id: a
 * zone's letter means another zone in each account.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vpc-links.html#http-api-vpc-link-availability
 */
const zonesWithLinks: Readonly<Record<string, readonly string[]>> = {
  "us-east-1": ["use1-az1", "use1-az2", "use1-az4", "use1-az5", "use1-az6"],
  "us-east-2": ["use2-az1", "use2-az2", "use2-az3"],
  "us-west-2": ["usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4"],
  "ca-central-1": ["cac1-az1", "cac1-az2"],
  "eu-central-1": ["euc1-az1", "euc1-az2", "euc1-az3"],
  "eu-west-1": ["euw1-az1", "euw1-az2", "euw1-az3"],
  "eu-west-2": ["euw2-az1", "euw2-az2", "euw2-az3"],
  "eu-west-3": ["euw3-az1", "euw3-az3"],
  "eu-north-1": ["eun1-az1", "eun1-az2", "eun1-az3"],
  "ap-northeast-1": ["apne1-az1", "apne1-az2", "apne1-az4"],
  "ap-northeast-2": ["apne2-az1", "apne2-az2", "apne2-az3"],
  "ap-south-1": ["aps1-az1", "aps1-az2", "aps1-az3"],
  "ap-southeast-1": ["apse1-az1", "apse1-az2", "apse1-az3"],
  "ap-southeast-2": ["apse2-az1", "apse2-az2", "apse2-az3"],
  "sa-east-1": ["sae1-az1", "sae1-az2", "sae1-az3"],
};

type Zone = { readonly name: string; readonly id: string; readonly state: string };

const readTag = (item: string, tag: string): string =>
  item.match(new RegExp(`<${tag}>([^<]*)</${tag}>`))?.[1] ?? "";

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html */
const listZones = async (request: AwsRequest): Promise<readonly Zone[]> => {
  const xml = await request("ec2", {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "Action=DescribeAvailabilityZones&Version=2016-11-15",
  });
  return (xml.match(/<item>(?:(?!<item>)[\s\S])*?<zoneName>[\s\S]*?<\/item>/g) ?? []).map((item) => ({
    name: readTag(item, "zoneName"),
    id: readTag(item, "zoneId"),
    state: readTag(item, "zoneState"),
  }));
};

/** Checks that the registry's zones exist in this account, and that API Gateway reaches a load balancer in them. */
export const checkZones = async (
  request: AwsRequest,
  { region, zones }: { readonly region: string; readonly zones: readonly string[] },
): Promise<DoctorFinding> => {
  const known = await listZones(request);
  const withLinks = getOwnProperty(zonesWithLinks, region) ?? known.map(({ id }) => id);
  const usable = known.filter(({ id, state }) => state === "available" && withLinks.includes(id));
  const remedy = `Write two of ${usable.map(({ name }) => name).join(", ")} to registry.zones in terraform/config.ts. Do it before the first apply of \`network\`: a later change replaces its subnets.`;
  for (const name of zones) {
    const zone = known.find((candidate) => candidate.name === name);
    if (zone === undefined)
      return { status: "missing", sentence: `This account has no availability zone ${name}.`, remedy };
    if (zone.state !== "available")
      return { status: "missing", sentence: `The availability zone ${name} is ${zone.state}.`, remedy };
    if (!withLinks.includes(zone.id))
      return {
        status: "missing",
        sentence: `The availability zone ${name} is ${zone.id} in this account, where API Gateway makes no VPC link: the registry's API would not be created.`,
        remedy,
      };
  }
  const names = zones.map((name) => `${name} (${known.find((zone) => zone.name === name)?.id})`);
  return { status: "ok", sentence: `The registry's zones are ${names.join(" and ")}.` };
};
