import * as z from "zod";
import { Identities } from "#domain/approval/identities.ts";
import { parseYaml } from "#model-folder/manifest/parse-yaml.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { Policy } from "./policy.ts";

/** A policy is not readable, or its copy in the store was not confirmed. */
export class PolicyInvalid extends SlipwayError {
  override readonly name = "PolicyInvalid";
  override readonly retryable = false;
}

/**
 * 500 approvers take 8 KiB, and every step that needs the rules reads the commit's policy again. The platform's copy also
 * has the identities, and only the command line parses it.
 */
const limitBytes = { policy: 16 * 1024, platformRules: 32 * 1024 };

const parseDocument = (bytes: Uint8Array, where: string, limit: number): unknown => {
  if (bytes.byteLength > limit)
    throw new PolicyInvalid(`${where} is too large: ${bytes.byteLength} bytes (limit ${limit}).`);
  const result = parseYaml(decode(bytes, where), { maxAliases: 0 });
  if (result.status === "read") return result.value;
  const sentences = result.problems.map(
    ({ line, message, remedy }) => `line ${line ?? 1}: ${message}. ${remedy}`,
  );
  throw new PolicyInvalid(`${where} is not valid YAML: ${sentences.join(" ")}`);
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

/** The platform's copy of the policy: the floor and the identities. */
export const PlatformRules = z.strictObject({ floor: Policy, identities: Identities });
export type PlatformRules = z.infer<typeof PlatformRules>;

/**
 * Reads the file of `slipway policy apply`: a `policy.yaml`, optionally with a section `identities`. Without that section
 * the identities stay as they are. Throws PolicyInvalid.
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
