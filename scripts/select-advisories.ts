import { z } from "zod";
import { type Advisories, Advisory } from "#platform/images/advisories.ts";
import { OsvUnreadable } from "./read-osv-records.ts";

/** The fields that every record must have; selected records are parsed in full. */
const OsvRecord = z.looseObject({
  id: z.string(),
  modified: z.iso.datetime(),
  withdrawn: z.string().optional(),
  affected: z
    .array(z.looseObject({ package: z.looseObject({ ecosystem: z.string(), name: z.string() }).optional() }))
    .optional(),
});

/**
 * Selects an OSV database's advisories for these npm packages, without fields that a scan does not read: some kilobytes
 * of several hundred megabytes. The result lists the packages, because it covers no others. Throws OsvUnreadable for a
 * database without npm records.
 */
export const selectAdvisories = async (
  records: AsyncIterable<unknown>,
  packages: ReadonlySet<string>,
): Promise<Advisories> => {
  const advisories: Advisory[] = [];
  let asOf = "";
  for await (const input of records) {
    const parsed = OsvRecord.safeParse(input);
    if (!parsed.success)
      throw new OsvUnreadable(`a record is not in OSV's format: ${z.prettifyError(parsed.error)}`);
    const record = parsed.data;
    if (!record.affected?.some((affected) => affected.package?.ecosystem === "npm")) continue;
    // In one format, so that the later date is also the greater string.
    const modified = new Date(record.modified).toISOString();
    if (modified > asOf) asOf = modified;
    if (record.withdrawn !== undefined) continue;
    const isSelected = (affected: { package?: { ecosystem: string; name: string } | undefined }) =>
      affected.package?.ecosystem === "npm" && packages.has(affected.package.name);
    if (!record.affected.some(isSelected)) continue;
    const { id, summary, severity, affected, database_specific } = Advisory.parse(input);
    advisories.push({
      id,
      modified,
      summary,
      severity,
      affected: affected?.filter(isSelected).map(({ package: named, ranges, versions }) => ({
        package: named,
        ranges: ranges?.filter(({ type }) => type !== "GIT").map(({ type, events }) => ({ type, events })),
        versions,
      })),
      database_specific: { severity: database_specific?.severity },
    });
  }
  if (asOf === "") throw new OsvUnreadable("the database has no npm records");
  advisories.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { asOf, ecosystem: "npm", packages: [...packages].sort(), advisories };
};
