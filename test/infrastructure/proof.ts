import { type Access, type Ask, access, type Policy, policiesOf, type Side } from "./access.ts";
import { awsAlone } from "./aws-alone.ts";
import { type Mutation, mutationsOf } from "./mutations.ts";
import type { Recorded } from "./recording.ts";
import { isSameKind, type Refused, refusedBeside } from "./refused-asks.ts";
import { accountOf } from "./terraform-values.ts";
import { resourcesOf, type Written } from "./written-stacks.ts";

/** A question and the sides that answer it. */
type Asked = { readonly ask: Ask; readonly side: Side };

export const askOf = ({ role, action, resource, context }: Recorded): Ask => ({
  principal: role,
  action,
  resource,
  context,
});
const keyOf = ({ ask, side }: Asked): string => JSON.stringify([ask, side]);
const once = <T extends Asked>(all: readonly T[]): readonly T[] => [
  ...new Map(all.map((one) => [keyOf(one), one])).values(),
];

/**
 * Policies that this proof leaves to other tests: those of people, of CI, of Terraform itself and of the registry's
 * server, none of which is a function of ours.
 */
const elsewhere = /role\/slipway-(terraform|ci-|registry-|(stage|prod)-operator)|s3:::slipway-state-/;

/** The account that each bucket belongs to, by its ARN, which does not say so. */
const bucketAccounts = (written: Written): ReadonlyMap<string, string> =>
  new Map(
    resourcesOf(written, "aws_s3_bucket").map(([stack, , { bucket }]) => [
      `arn:aws:s3:::${bucket}`,
      accountOf(written, stack).account,
    ]),
  );

/** The written policies as they answer questions. */
export const policiesInForce = (written: Written): Access =>
  access(policiesOf(written), bucketAccounts(written));

/** Whether a recording has a question of the same role, for the same action on a resource of the same kind. */
export const hasKindOf = (recorded: readonly Recorded[], { role, action, resource }: Recorded): boolean =>
  recorded.some(
    (one) =>
      one.role === role &&
      one.action === action &&
      (one.resource === resource || isSameKind(one.resource, resource)),
  );

/** All that has to be allowed and refused, and the policies that say so. */
export const proof = (written: Written, recorded: readonly Recorded[]) => {
  const buckets = bucketAccounts(written);
  const policies = policiesOf(written);
  const inForce = access(policies, buckets);
  const alone = awsAlone(written).flatMap(({ asks, side = "all" }) => asks.map((ask) => ({ ask, side })));
  const allowed: readonly Asked[] = once([
    ...recorded.map((one) => ({ ask: askOf(one), side: "all" as const })),
    ...alone,
  ]);

  /** What one role was never seen to ask, of all that others ask: as the same part, in tooling or in an environment. */
  const roles = [...new Set(recorded.map(({ role }) => role))];
  const accountIn = (arn: string) => arn.split(":")[4];
  const byRole = Map.groupBy(recorded, ({ role }) => role);
  const does = ({ principal, action, resource }: Ask): boolean =>
    (byRole.get(principal) ?? []).some(
      (one) => one.action === action && (one.resource === resource || isSameKind(one.resource, resource)),
    );
  const ofOthers: readonly Asked[] = once(
    roles.flatMap((role) =>
      recorded
        .filter((one) => one.role !== role && accountIn(one.role) === accountIn(role))
        .map((one) => ({ ask: { ...askOf(one), principal: role }, side: "identity" as const }))
        .filter(({ ask }) => !does(ask)),
    ),
  );
  const beside: readonly Refused[] = once(allowed.flatMap(({ ask, side }) => refusedBeside(ask, side)));

  /** Questions whose answer a policy has a say in. */
  const concerns = ({ kind, of }: Policy, { ask, side }: Asked): boolean =>
    kind === "identity"
      ? ask.principal === of && side !== "resource"
      : side !== "identity" && (ask.resource === of || ask.resource.startsWith(`${of}/`));

  const scope = policies.filter(({ of }) => !elsewhere.test(of));
  const refused = once([...ofOthers, ...beside]).filter(({ ask, side }) => !inForce.allows(ask, side));

  const concerned = (all: readonly Asked[]) => {
    const found = new Map<Policy["of"], readonly Asked[]>();
    return (policy: Policy): readonly Asked[] => {
      const key = `${policy.kind} ${policy.of}`;
      const known = found.get(key) ?? all.filter((one) => concerns(policy, one));
      found.set(key, known);
      return known;
    };
  };
  const allowedAbout = concerned(allowed);
  const refusedAbout = concerned(refused);

  /** Why a changed policy is noticed: the first question that it answers otherwise. */
  const noticed = ({ policy }: Mutation): Asked | undefined => {
    const changed: Access = access(
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
    mutations: scope.flatMap(mutationsOf),
    noticed,
  };
};
