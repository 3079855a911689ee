import type { TerraformResource } from "cdktn";

/**
 * Says beside the resource why a rule of checkov's does not hold for it: `suppress(queue, { CKV_AWS_1: "because …" })`.
 * They stand in the synthesized JSON, whose comments checkov itself does not read: terraform/checkov.test.ts holds its
 * findings against them, and fails for a finding without a reason as for a reason without a finding.
 */
export const suppressFindings = (
  resource: TerraformResource,
  reasons: Readonly<Record<string, string>>,
): void => {
  resource.addOverride("//.suppressed", { ...reasons });
};
