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
  ...new Map(all.map((one) => [toRequestKey(one), one])).values(),
];

/**
 * Policies that other tests cover: those of people, of CI, of Terraform itself and of the registry's server, none of which
 * belongs to a Slipway function.
 */
const excludedPolicies = /role\/slipway-(terraform|ci-|registry-|(stage|prod)-operator)|s3:::slipway-state-/;

/** The account that each bucket belongs to, by its ARN, which does not say so. */
const findBucketAccounts = (written: SynthesizedStacks): ReadonlyMap<string, string> =>
  new Map(
    listResources(written, "aws_s3_bucket").map(([stack, , { bucket }]) => [
      `arn:aws:s3:::${bucket}`,
      findStackAccount(written, stack).account,
    ]),
  );

/** The decisions of the written policies. */
export const simulateStackPolicies = (written: SynthesizedStacks): PolicySimulator =>
  createPolicySimulator(readPolicies(written), findBucketAccounts(written));

/** Whether a recording has a request of the same role, for the same action on a resource of the same kind. */
export const hasSimilarRequest = (
  recorded: readonly RecordedRequest[],
  { role, action, resource }: RecordedRequest,
): boolean =>
  recorded.some(
    (one) =>
      one.role === role &&
      one.action === action &&
      (one.resource === resource || isSameResourceKind(one.resource, resource)),
  );

/** All requests that have to be allowed or denied, and the policies for them. */
export const proveLeastPrivilege = (written: SynthesizedStacks, recorded: readonly RecordedRequest[]) => {
  const buckets = findBucketAccounts(written);
  const policies = readPolicies(written);
  const inForce = createPolicySimulator(policies, buckets);
  const alone = listServiceAccess(written).flatMap(({ asks, side = "all" }) =>
    asks.map((ask) => ({ ask, side })),
  );
  const allowed: readonly SidedRequest[] = deduplicateRequests([
    ...recorded.map((one) => ({ ask: toAccessRequest(one), side: "all" as const })),
    ...alone,
  ]);

  /** Requests of other roles that this role never made: as the same part, in tooling or in an environment. */
  const roles = [...new Set(recorded.map(({ role }) => role))];
  const accountIn = (arn: string) => arn.split(":")[4];
  const byRole = Map.groupBy(recorded, ({ role }) => role);
  const does = ({ principal, action, resource }: AccessRequest): boolean =>
    (byRole.get(principal) ?? []).some(
      (one) =>
        one.action === action && (one.resource === resource || isSameResourceKind(one.resource, resource)),
    );
  const ofOthers: readonly SidedRequest[] = deduplicateRequests(
    roles.flatMap((role) =>
      recorded
        .filter((one) => one.role !== role && accountIn(one.role) === accountIn(role))
        .map((one) => ({ ask: { ...toAccessRequest(one), principal: role }, side: "identity" as const }))
        .filter(({ ask }) => !does(ask)),
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

  const concerned = (all: readonly SidedRequest[]) => {
    const requestsByPolicy = new Map<IamPolicy["of"], readonly SidedRequest[]>();
    return (policy: IamPolicy): readonly SidedRequest[] => {
      const key = `${policy.kind} ${policy.of}`;
      const known = requestsByPolicy.get(key) ?? all.filter((one) => concerns(policy, one));
      requestsByPolicy.set(key, known);
      return known;
    };
  };
  const allowedAbout = concerned(allowed);
  const refusedAbout = concerned(refused);

  /** Why a changed policy is detected: the first request that it decides differently. */
  const noticed = ({ policy }: PolicyMutation): SidedRequest | undefined => {
    const changed: PolicySimulator = createPolicySimulator(
      policies.map((one) => (one.name === policy.name ? policy : one)),
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
