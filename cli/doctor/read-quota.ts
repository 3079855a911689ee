import * as z from "zod";
import type { AwsRequest } from "./create-aws-request.ts";

const Response = z.object({ Quota: z.object({ Value: z.number() }) });

/**
 * A quota of this account and region; where the account has no value of its own, AWS's default.
 * https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
 */
export const readQuota =
  (request: AwsRequest) =>
  async (quota: { readonly ServiceCode: string; readonly QuotaCode: string }): Promise<number> => {
    const call = async (operation: string) => {
      const body = await request("servicequotas", {
        headers: {
          "content-type": "application/x-amz-json-1.1",
          "x-amz-target": `ServiceQuotasV20190624.${operation}`,
        },
        body: JSON.stringify(quota),
      });
      return Response.parse(JSON.parse(body)).Quota.Value;
    };
    return call("GetServiceQuota").catch((error: unknown) => {
      if (!(error instanceof Error && error.name === "NoSuchResourceException")) throw error;
      return call("GetAWSDefaultServiceQuota");
    });
  };
