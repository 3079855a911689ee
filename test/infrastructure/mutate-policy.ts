import type { Statement } from "#terraform/permissions/statement.ts";
import type { IamPolicy } from "./policy-simulator.ts";
import { toArray } from "./stack-policies.ts";

export type PolicyMutation = {
  readonly kind:
    | "an action removed"
    | "a resource removed"
    | "a resource widened"
    | "a condition removed"
    | "a value of a condition removed"
    | "a principal widened"
    | "a refusal removed";
  /** A description: which part of which statement of which policy. */
  readonly what: string;
  /** The changed policy. */
  readonly policy: IamPolicy;
};

/** `*`, everything under the same parent, and everything with the same prefix. */
const widenResource = (resource: string): readonly string[] => {
  if (resource === "*") return [];
  const trimmed = resource.replace(/\*$/, "").replace(/[:/]$/, "");
  const parent = `${trimmed.replace(/[^:/]+$/, "")}*`;
  return [...new Set(["*", parent, `${trimmed}*`])].filter((wide) => wide !== resource);
};

const removeAt = <T>(all: readonly T[], index: number): readonly T[] => all.filter((_, at) => at !== index);

type StatementChange = Pick<PolicyMutation, "kind" | "what"> & { readonly statement: Statement | undefined };

const mutateActions = (statement: Statement): readonly StatementChange[] => {
  const actions = toArray(statement.Action);
  return actions.map((action, index) => ({
    kind: "an action removed",
    what: action,
    statement: actions.length === 1 ? undefined : { ...statement, Action: removeAt(actions, index) },
  }));
};

const mutateResources = (statement: Statement): readonly StatementChange[] => {
  const resources = toArray(statement.Resource);
  const replaceAt = (index: number, resource: string): Statement => ({
    ...statement,
    Resource: resources.map((current, at) => (at === index ? resource : current)),
  });
  return resources.flatMap((resource, index): readonly StatementChange[] => [
    ...(resources.length === 1
      ? []
      : [
          {
            kind: "a resource removed" as const,
            what: resource,
            statement: { ...statement, Resource: removeAt(resources, index) },
          },
        ]),
    ...widenResource(resource).map((wide) => ({
      kind: "a resource widened" as const,
      what: `${resource} to ${wide}`,
      statement: replaceAt(index, wide),
    })),
  ]);
};

const mutateConditions = (statement: Statement): readonly StatementChange[] =>
  Object.entries(statement.Condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).flatMap(([key, value]): readonly StatementChange[] => {
      const replaceValues = (values: readonly string[] | undefined): Statement => {
        const { [key]: _, ...others } = keys;
        const rest = values === undefined ? others : { ...others, [key]: values };
        const { [operator]: __, ...operators } = statement.Condition ?? {};
        return {
          ...statement,
          Condition: Object.keys(rest).length === 0 ? operators : { ...operators, [operator]: rest },
        };
      };
      const values = toArray(value);
      return [
        { kind: "a condition removed", what: `${operator} ${key}`, statement: replaceValues(undefined) },
        ...(values.length === 1
          ? []
          : values.map((item, index) => ({
              kind: "a value of a condition removed" as const,
              what: `${key} ${item}`,
              statement: replaceValues(removeAt(values, index)),
            }))),
      ];
    }),
  );

const mutatePrincipals = (statement: Statement): readonly StatementChange[] =>
  statement.Principal === undefined || JSON.stringify(statement.Principal) === '{"AWS":"*"}'
    ? []
    : [
        {
          kind: "a principal widened",
          what: JSON.stringify(statement.Principal),
          statement: {
            ...statement,
            Principal: "Service" in Object(statement.Principal) ? "*" : { AWS: "*" },
          },
        },
      ];

/** Every change that removes or widens one part of a policy, or removes a Deny. */
export const mutatePolicy = (policy: IamPolicy): readonly PolicyMutation[] =>
  policy.statements.flatMap((statement, index) => {
    const changes: readonly StatementChange[] =
      statement.Effect === "Deny"
        ? [{ kind: "a refusal removed", what: statement.Sid ?? "", statement: undefined }]
        : [
            ...mutateActions(statement),
            // A resource's policy applies only to that resource, whatever it names.
            ...(policy.kind === "resource" ? [] : mutateResources(statement)),
            ...mutateConditions(statement),
            ...mutatePrincipals(statement),
          ];
    return changes.map(
      ({ kind, what, statement: changed }): PolicyMutation => ({
        kind,
        what: `${policy.name}, statement ${index + 1}: ${what}`,
        policy: {
          ...policy,
          statements: policy.statements.flatMap((current, at) =>
            at !== index ? [current] : changed === undefined ? [] : [changed],
          ),
        },
      }),
    );
  });
