import { z } from "zod";
import { type Advisories, Advisory } from "#platform/images/advisories.ts";
import { OsvUnreadable } from "./read-osv-records.ts";

/** As much as must be known of every record; those that are kept are read in full. */
const OsvRecord = z.looseObject({
  id: z.string(),
  modified: z.iso.datetime(),
  withdrawn: z.string().optional(),
  affected: z
    .array(z.looseObject({ package: z.looseObject({ ecosystem: z.string(), name: z.string() }).optional() }))
    .optional(),
});

/**
 * The advisories of an OSV database that concern these npm packages, without what a scan does not read: some
 * kilobytes of some hundred megabytes. Which packages were looked up is written down, since of others the
 * result knows nothing. Throws OsvUnreadable where the database holds no npm records at all.
 */
export const selectAdvisories = async (
  records: AsyncIterable<unknown>,
  packages: ReadonlySet<string>,
): Promise<Advisories> => {
  const advisories: Advisory[] = [];
  let asOf = "";
  for await (const given of records) {
    const read = OsvRecord.safeParse(given);
    if (!read.success)
      throw new OsvUnreadable(`a record is not in OSV's format: ${z.prettifyError(read.error)}`);
    const record = read.data;
    if (!record.affected?.some((affected) => affected.package?.ecosystem === "npm")) continue;
    // Dates of one form, so that the later one is also the greater text.
    const modified = new Date(record.modified).toISOString();
    if (modified > asOf) asOf = modified;
    if (record.withdrawn !== undefined) continue;
    const concerns = (affected: { package?: { ecosystem: string; name: string } | undefined }) =>
      affected.package?.ecosystem === "npm" && packages.has(affected.package.name);
    if (!record.affected.some(concerns)) continue;
    const { id, summary, severity, affected, database_specific } = Advisory.parse(given);
    advisories.push({
      id,
      modified,
      summary,
      severity,
      affected: affected?.filter(concerns).map(({ package: named, ranges, versions }) => ({
        package: named,
        ranges: ranges?.filter(({ type }) => type !== "GIT").map(({ type, events }) => ({ type, events })),
        versions,
      })),
      database_specific: { severity: database_specific?.severity },
    });
  }
  if (asOf === "") throw new OsvUnreadable("there are no npm records in it");
  advisories.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { asOf, ecosystem: "npm", packages: [...packages].sort(), advisories };
};
