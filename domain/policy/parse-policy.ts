import * as z from "zod";
import { Identities } from "#domain/approval/identities.ts";
import { parseYaml } from "#model-folder/manifest/parse-yaml.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { Policy } from "./policy.ts";

/** A policy that cannot be read, or a copy in the store that nobody confirmed. */
export class PolicyInvalid extends SlipwayError {
  override readonly name = "PolicyInvalid";
  override readonly retryable = false;
}

/**
 * A commit's policy is a page of text: 500 approvers take 8 KiB. Every step that needs the rules reads it again. What an
 * operator applies has the identities beside it, and is read by the command alone.
 */
const limitBytes = { policy: 16 * 1024, platformRules: 32 * 1024 };

const parseDocument = (bytes: Uint8Array, where: string, limit: number): unknown => {
  if (bytes.byteLength > limit)
    throw new PolicyInvalid(`${where} has ${bytes.byteLength} bytes, at most ${limit} are read.`);
  const result = parseYaml(decode(bytes, where), { maxAliases: 0 });
  if (result.status === "read") return result.value;
  const sentences = result.problems.map(
    ({ line, message, remedy }) => `line ${line ?? 1}: ${message}. ${remedy}`,
  );
  throw new PolicyInvalid(`${where} is not YAML that is read: ${sentences.join(" ")}`);
};

const decode = (bytes: Uint8Array, where: string): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PolicyInvalid(`${where} is not UTF-8 text.`);
  }
};

const parseWith = <T>(schema: z.ZodType<T>, value: unknown, where: string): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join(".")}: ${message}` : message,
  );
  throw new PolicyInvalid(`${where}: ${issues.join("; ")}`);
};

/**
 * Reads a `policy.yaml`. Throws PolicyInvalid.
 * @param where the file and its commit, for the message
 */
export const parsePolicy = (bytes: Uint8Array, where: string): Policy =>
  parseWith(Policy, parseDocument(bytes, where, limitBytes.policy), where);

/** What the platform's copy says: the floor, and who is who. */
export const PlatformRules = z.strictObject({ floor: Policy, identities: Identities });
export type PlatformRules = z.infer<typeof PlatformRules>;

/**
 * Reads what `slipway policy apply` is given: a `policy.yaml`, with or without a section `identities`. A file without
 * that section leaves the identities as they are. Throws PolicyInvalid.
 */
export const parsePlatformRules = (
  bytes: Uint8Array,
  where: string,
  identitiesInForce: Identities,
): PlatformRules => {
  const document = parseDocument(bytes, where, limitBytes.platformRules);
  if (typeof document !== "object" || document === null || Array.isArray(document))
    return { floor: parseWith(Policy, document, where), identities: identitiesInForce };
  const { identities, ...floor } = { identities: undefined, ...document };
  return {
    floor: parseWith(Policy, floor, where),
    identities:
      identities === undefined
        ? identitiesInForce
        : parseWith(Identities, identities, `${where}, identities`),
  };
};
