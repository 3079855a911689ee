import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { AwsRequest } from "./create-aws-request.ts";
import type { DoctorFinding } from "./finding.ts";
import { readQuota } from "./read-quota.ts";

type Architecture = AwsOutputs["ARCHITECTURE"];

/**
 * "Concurrently running builds for … environment", of the small machines that build images.
 * https://docs.aws.amazon.com/general/latest/gr/codebuild.html
 */
const quotas = {
  arm64: { ServiceCode: "codebuild", QuotaCode: "L-5ED1D25B" },
  x86_64: { ServiceCode: "codebuild", QuotaCode: "L-9D07B6EF" },
} as const;

/** Judges how many images may be built at once. */
export const describeBuildConcurrency = (architecture: Architecture, builds: number): DoctorFinding => {
  const request = `aws service-quotas request-service-quota-increase --service-code codebuild --quota-code ${quotas[architecture].QuotaCode} --desired-value 5`;
  if (builds < 1)
    return {
      status: "missing",
      sentence: `CodeBuild may run no build on ${architecture} in this account: no image can be built.`,
      remedy: `Ask AWS for some: ${request}`,
    };
  if (builds < 2)
    return {
      status: "warning",
      sentence: `CodeBuild may run 1 build at once: the second of two deliveries waits for it, at most an hour for a place in the queue and an hour in it.`,
      remedy: `Nothing, if few models are delivered. Otherwise ask AWS for more: ${request}`,
    };
  return { status: "ok", sentence: `CodeBuild may run ${builds} builds at once.` };
};

export const checkBuildConcurrency = async (
  request: AwsRequest,
  architecture: Architecture,
): Promise<DoctorFinding> =>
  describeBuildConcurrency(architecture, await readQuota(request)(quotas[architecture]));
