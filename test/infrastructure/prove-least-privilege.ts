import { type DeniedRequest, isSameResourceKind, listDeniedRequests } from "./denied-requests.ts";
import { mutatePolicy, type PolicyMutation } from "./mutate-policy.ts";
import {
  type AccessRequest,
  createPolicySimulator,
  type IamPolicy,
  type PolicySide,
  type PolicySimulator,
  readPolicies,
} from "./policy-simulator.ts";
import type { RecordedRequest } from "./recorded-requests.ts";
import { listServiceAccess } from "./service-access.ts";
import { listResources, type SynthesizedStacks } from "./synth-stacks.ts";
import { findStackAccount } from "./terraform-values.ts";

/** A request and the policy sides that decide it. */
type SidedRequest = { readonly ask: AccessRequest; readonly side: PolicySide };

export const toAccessRequest = ({ role, action, resource, context }: RecordedRequest): AccessRequest => ({
  principal: role,
  action,
  resource,
  context,
});
const toRequestKey = ({ ask, side }: SidedRequest): string => JSON.stringify([ask, side]);
const deduplicateRequests = <T extends SidedRequest>(all: readonly T[]): readonly T[] => [
  ...new Map(all.map((request) => [toRequestKey(request), request])).values(),
];

/**
 * Policies that other tests cover: people's, CI's, Terraform's and the registry server's. They do not belong to a
 * Slipway function.
 */
const excludedPolicies = /role\/slipway-(terraform|ci-|registry-|(stage|prod)-operator)|s3:::slipway-state-/;

/** Each bucket's account by the bucket's ARN, which does not contain it. */
const findBucketAccounts = (written: SynthesizedStacks): ReadonlyMap<string, string> =>
  new Map(
    listResources(written, "aws_s3_bucket").map(([stack, , { bucket }]) => [
      `arn:aws:s3:::${bucket}`,
      findStackAccount(written, stack).account,
    ]),
  );

/** Decides requests by the stacks' policies. */
export const simulateStackPolicies = (written: SynthesizedStacks): PolicySimulator =>
  createPolicySimulator(readPolicies(written), findBucketAccounts(written));

/** Whether a recording has a request of the same role, for the same action on a resource of the same kind. */
export const hasSimilarRequest = (
  recorded: readonly RecordedRequest[],
  { role, action, resource }: RecordedRequest,
): boolean =>
  recorded.some(
    (each) =>
      each.role === role &&
      each.action === action &&
      (each.resource === resource || isSameResourceKind(each.resource, resource)),
  );

/** All requests that must be allowed or denied, and the policies for them. */
export const proveLeastPrivilege = (written: SynthesizedStacks, recorded: readonly RecordedRequest[]) => {
  const buckets = findBucketAccounts(written);
  const policies = readPolicies(written);
  const inForce = createPolicySimulator(policies, buckets);
  const serviceRequests = listServiceAccess(written).flatMap(({ asks, side = "all" }) =>
    asks.map((ask) => ({ ask, side })),
  );
  const allowed: readonly SidedRequest[] = deduplicateRequests([
    ...recorded.map((request) => ({ ask: toAccessRequest(request), side: "all" as const })),
    ...serviceRequests,
  ]);

  /** Requests of other roles in the same account that this role never made. */
  const roles = [...new Set(recorded.map(({ role }) => role))];
  const getAccount = (arn: string) => arn.split(":")[4];
  const byRole = Map.groupBy(recorded, ({ role }) => role);
  const hasRequest = ({ principal, action, resource }: AccessRequest): boolean =>
    (byRole.get(principal) ?? []).some(
      (each) =>
        each.action === action && (each.resource === resource || isSameResourceKind(each.resource, resource)),
    );
  const ofOthers: readonly SidedRequest[] = deduplicateRequests(
    roles.flatMap((role) =>
      recorded
        .filter((each) => each.role !== role && getAccount(each.role) === getAccount(role))
        .map((each) => ({ ask: { ...toAccessRequest(each), principal: role }, side: "identity" as const }))
        .filter(({ ask }) => !hasRequest(ask)),
    ),
  );
  const beside: readonly DeniedRequest[] = deduplicateRequests(
    allowed.flatMap(({ ask, side }) => listDeniedRequests(ask, side)),
  );

  /** Requests that a policy helps to decide. */
  const concerns = ({ kind, of }: IamPolicy, { ask, side }: SidedRequest): boolean =>
    kind === "identity"
      ? ask.principal === of && side !== "resource"
      : side !== "identity" && (ask.resource === of || ask.resource.startsWith(`${of}/`));

  const scope = policies.filter(({ of }) => !excludedPolicies.test(of));
  const refused = deduplicateRequests([...ofOthers, ...beside]).filter(
    ({ ask, side }) => !inForce.allows(ask, side),
  );

  const selectByPolicy = (all: readonly SidedRequest[]) => {
    const requestsByPolicy = new Map<IamPolicy["of"], readonly SidedRequest[]>();
    return (policy: IamPolicy): readonly SidedRequest[] => {
      const key = `${policy.kind} ${policy.of}`;
      const selected = requestsByPolicy.get(key) ?? all.filter((request) => concerns(policy, request));
      requestsByPolicy.set(key, selected);
      return selected;
    };
  };
  const allowedAbout = selectByPolicy(allowed);
  const refusedAbout = selectByPolicy(refused);

  /** The first request that a changed policy decides differently; undefined: the change is not detected. */
  const noticed = ({ policy }: PolicyMutation): SidedRequest | undefined => {
    const changed: PolicySimulator = createPolicySimulator(
      policies.map((each) => (each.name === policy.name ? policy : each)),
      buckets,
    );
    return (
      allowedAbout(policy).find(({ ask, side }) => !changed.allows(ask, side)) ??
      refusedAbout(policy).find(({ ask, side }) => changed.allows(ask, side))
    );
  };

  return {
    policies: scope,
    inForce,
    allowed,
    ofOthers,
    beside,
    mutations: scope.flatMap(mutatePolicy),
    noticed,
  };
};
