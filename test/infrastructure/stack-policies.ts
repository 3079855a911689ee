import type { Statement } from "#terraform/permissions/statement.ts";
import { listResources, type SynthesizedStacks } from "./synth-stacks.ts";

export type StackPolicy = {
  readonly stack: string;
  readonly name: string;
  readonly kind: string;
  readonly statements: readonly Statement[];
};

/** Resource types and their attributes that contain policies. */
const policyAttributes = [
  ["aws_iam_role_policy", "policy"],
  ["aws_iam_policy", "policy"],
  ["aws_iam_role", "assume_role_policy"],
  ["aws_kms_key", "policy"],
  ["aws_s3_bucket_policy", "policy"],
  ["aws_sqs_queue_policy", "policy"],
  ["aws_sns_topic_policy", "policy"],
  ["aws_ecr_repository_policy", "policy"],
  ["aws_vpc_endpoint", "policy"],
] as const;

/** Statements of a policy's JSON. */
export const parseStatements = (text: unknown): readonly Statement[] => JSON.parse(String(text)).Statement;

/** A statement's field, which may be a single value, as an array. */
export const toArray = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

/** Every policy of every stack. */
export const listStackPolicies = (written: SynthesizedStacks): readonly StackPolicy[] =>
  policyAttributes.flatMap(([kind, attribute]) =>
    listResources(written, kind).map(([stack, name, resource]) => ({
      stack,
      name,
      kind,
      statements: parseStatements(resource[attribute]),
    })),
  );
