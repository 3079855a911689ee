import type { TerraformResource } from "cdktn";

/**
 * Suppresses checkov's findings for a resource, each with a reason: `suppressFindings(queue, { CKV_AWS_1: "…" })`.
 * The reasons are in the synthesized JSON, where checkov itself does not read them. terraform/checkov.peer.test.ts compares
 * them with checkov's findings, and fails for a finding without a reason and for a reason without a finding.
 */
export const suppressFindings = (
  resource: TerraformResource,
  reasons: Readonly<Record<string, string>>,
): void => {
  resource.addOverride("//.suppressed", { ...reasons });
};
