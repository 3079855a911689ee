import { readFile } from "node:fs/promises";
import * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";

const Event = z.looseObject({
  introduced: z.string().optional(),
  fixed: z.string().optional(),
  last_affected: z.string().optional(),
  limit: z.string().optional(),
});
const Affected = z.looseObject({
  package: z.looseObject({ ecosystem: z.string(), name: z.string() }).optional(),
  ranges: z.array(z.looseObject({ type: z.string(), events: z.array(Event) })).optional(),
  versions: z.array(z.string()).optional(),
});
export type Affected = z.infer<typeof Affected>;

/** The fields that Slipway reads of a record in OSV's format. https://ossf.github.io/osv-schema/ (1.7) */
export const Advisory = z.looseObject({
  id: z.string(),
  modified: z.string(),
  withdrawn: z.string().optional(),
  summary: z.string().optional(),
  severity: z.array(z.looseObject({ type: z.string(), score: z.string() })).optional(),
  affected: z.array(Affected).optional(),
  database_specific: z.looseObject({ severity: z.string().nullish() }).nullish(),
});
export type Advisory = z.infer<typeof Advisory>;

/** The advisory file that `node scripts/advisories.ts` writes. */
export const Advisories = z.object({
  /** ISO 8601: the newest change in the source database. */
  asOf: z.string(),
  ecosystem: z.literal("npm"),
  /** The packages that the file covers. Absent: all packages of the ecosystem. */
  packages: z.array(z.string()).optional(),
  advisories: z.array(Advisory),
});
export type Advisories = z.infer<typeof Advisories>;

/** The advisory file cannot be read or is invalid. */
export class AdvisoriesUnreadable extends SlipwayError {
  override readonly name = "AdvisoriesUnreadable";
  override readonly retryable = false;
}

/** Reads an advisory file; undefined if it is missing. Throws AdvisoriesUnreadable. */
export const readAdvisories = async (path: string): Promise<Advisories | undefined> => {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new AdvisoriesUnreadable(`${path} cannot be read`, { cause: error });
  }
  try {
    return Advisories.parse(JSON.parse(text));
  } catch (error) {
    throw new AdvisoriesUnreadable(
      `${path} is not a valid advisory file: create it again with scripts/advisories.ts`,
      {
        cause: error,
      },
    );
  }
};
