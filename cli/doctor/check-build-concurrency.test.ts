import { expect, test } from "vitest";
import { checkBuildConcurrency, describeBuildConcurrency } from "./check-build-concurrency.ts";
import type { AwsRequest } from "./create-aws-request.ts";

test("one build at once is a warning with the command that asks for more, none is an error", () => {
  expect(describeBuildConcurrency("arm64", 1)).toMatchObject({
    status: "warning",
    remedy: expect.stringContaining("--service-code codebuild --quota-code L-5ED1D25B"),
  });
  expect(describeBuildConcurrency("x86_64", 0)).toMatchObject({
    status: "missing",
    remedy: expect.stringContaining("L-9D07B6EF"),
  });
  expect(describeBuildConcurrency("arm64", 20)).toEqual({
    status: "ok",
    sentence: "CodeBuild may run 20 builds at once.",
  });
});

/** Service Quotas as its reference documents the response, without a value of the account's own where `own` is undefined. */
const serviceQuotas =
  (own: number | undefined, standard: number): AwsRequest =>
  async (_, { headers, body }) => {
    const quota = JSON.parse(body) as object;
    const form = (Value: number) =>
      JSON.stringify({
        Quota: {
          ServiceName: "AWS CodeBuild",
          QuotaName: "Concurrently running builds for ARM/Small environment",
          Unit: "None",
          Adjustable: true,
          GlobalQuota: false,
          Value,
          ...quota,
        },
      });
    if (headers["x-amz-target"] === "ServiceQuotasV20190624.GetAWSDefaultServiceQuota") return form(standard);
    if (own === undefined)
      throw Object.assign(new Error("The quota does not exist"), { name: "NoSuchResourceException" });
    return form(own);
  };

test("the account's own quota counts; without one AWS's default does", async () => {
  expect(await checkBuildConcurrency(serviceQuotas(1, 60), "arm64")).toMatchObject({ status: "warning" });
  expect(await checkBuildConcurrency(serviceQuotas(undefined, 60), "arm64")).toMatchObject({
    sentence: "CodeBuild may run 60 builds at once.",
  });
});
