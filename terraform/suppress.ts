import type { TerraformResource } from "cdktn";

/**
 * Says beside the resource why a rule of checkov's does not hold for it: `suppress(queue, { CKV_AWS_1: "because …" })`.
 * The lines stand in the synthesized JSON, where checkov reads them; nothing else does.
 */
export const suppress = (resource: TerraformResource, reasons: Readonly<Record<string, string>>): void => {
  resource.addOverride(
    "//.checkov",
    Object.entries(reasons).map(([rule, reason]) => `checkov:skip=${rule}:${reason}`),
  );
};
