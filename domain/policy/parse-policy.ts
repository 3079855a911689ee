import { parse as parseYaml } from "yaml";
import * as z from "zod";
import { Identities } from "../approval/identities.ts";
import { Policy } from "./policy.ts";

/** A policy that cannot be read, or a copy in the store that nobody confirmed. */
export class PolicyInvalid extends Error {
  override readonly name = "PolicyInvalid";
}

/** A policy is a page of text; a parser's time can grow with the square of what it reads. */
const limitBytes = 32 * 1024;

const parseDocument = (bytes: Uint8Array, where: string): unknown => {
  if (bytes.byteLength > limitBytes)
    throw new PolicyInvalid(`${where} has ${bytes.byteLength} bytes, at most ${limitBytes} are read.`);
  try {
    return parseYaml(new TextDecoder("utf-8", { fatal: true }).decode(bytes), { maxAliasCount: 0 });
  } catch (error) {
    throw new PolicyInvalid(`${where} is not YAML: ${error instanceof Error ? error.message : error}`);
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
  parseWith(Policy, parseDocument(bytes, where), where);

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
  const document = parseDocument(bytes, where);
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
