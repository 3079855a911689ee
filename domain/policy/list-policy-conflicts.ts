import { findOpening } from "#domain/changes/find-opening.ts";
import type { FolderProblem } from "#model-folder/manifest/folder-problem.ts";
import { isUserGroup, type Manifest } from "#model-folder/manifest/manifest.ts";
import type { Policy } from "./policy.ts";
import { sampleMondays } from "./rules-in-force.ts";
import { onInconclusive, policyRules } from "./strictest-policy.ts";
import { isLooser } from "./strictness.ts";

export type PolicyConflict = Pick<FolderProblem, "severity" | "message" | "remedy"> & {
  /** The keys of the value in the manifest. */
  readonly path: readonly string[];
};

/**
 * What a manifest says although the repository's policy does not allow it. An error stops a first version's delivery, as
 * computeRulesInForce does; a warning has no effect, because the policy's value counts.
 */
export const listPolicyConflicts = (manifest: Manifest, policy: Policy): readonly PolicyConflict[] => {
  const { approval, canary, resources } = manifest;
  const conflicts: PolicyConflict[] = [];
  const quorum = Math.max(approval.quorum, policy.approval.quorum);
  const allowed = [...new Set(approval.approvers)].filter((user) => policy.approval.approvers.includes(user));
  // Who is in a group, only Slack knows.
  const hasGroups = [...approval.approvers, ...policy.approval.approvers].some(isUserGroup);
  if (allowed.length < quorum && !hasGroups)
    conflicts.push({
      severity: "error",
      path: ["approval", "approvers"],
      message:
        allowed.length === 0
          ? "none of them is in policy.yaml"
          : `only ${allowed.join(", ")} is in policy.yaml, and ${quorum} approvals are required`,
      remedy: `Choose from: ${policy.approval.approvers.join(", ")}.`,
    });
  if (resources.snapStart === true && policy.resources.snapStart !== true)
    conflicts.push({
      severity: "warning",
      path: ["resources", "snapStart"],
      message: "it has no effect, because policy.yaml lacks resources.snapStart: true",
      remedy: "Take it out, or ask the platform team to allow it.",
    });
  const hours = [policy, manifest].flatMap(({ changes }) => changes?.prodHours ?? []);
  if (sampleMondays.every((from) => findOpening(hours, from) === undefined))
    conflicts.push({
      severity: "error",
      path: ["changes", "prodHours"],
      message: `prod would never open: ${hours.join("; ")}`,
      remedy: "Choose hours that overlap with those of policy.yaml.",
    });
  const rule = policyRules.get("canary.onInconclusive");
  const limit = policy.canary.onInconclusive;
  if (rule !== undefined && limit !== undefined && isLooser(rule, canary.onInconclusive, limit))
    conflicts.push({
      severity: "warning",
      path: ["canary", "onInconclusive"],
      message: `${canary.onInconclusive} has no effect, because policy.yaml allows no more than ${limit}`,
      remedy: `Write ${onInconclusive.slice(0, onInconclusive.indexOf(limit) + 1).join(" or ")}.`,
    });
  return conflicts;
};
