import type { Accounts } from "#terraform/read-config.ts";
import { type SynthesizedStacks, synthStacks } from "./synth-stacks.ts";

/** As shipped, with moto's account for tooling. */
const withMotoAccount = (shipped: Accounts): Accounts => ({
  ...shipped,
  tooling: { ...shipped.tooling, account: "123456789012" },
});
const reportingRepository = "example/models";
/** The only function that a source on GitHub adds. */
const withReports = (shipped: Accounts): Accounts => {
  const accounts = withMotoAccount(shipped);
  const source = {
    host: "github",
    repository: reportingRepository,
    branch: "main",
    reports: { as: "token" },
  } as const;
  return { ...accounts, tooling: { ...accounts.tooling, source } };
};

/** What belongs to report-source, by the names of Terraform's resources; its secret has its own in a value. */
const isOfReports = (name: string, resource: Readonly<Record<string, unknown>>): boolean =>
  /report-source|source-reports/.test(name) || String(resource.name).endsWith("/GITHUB_REPORT_TOKEN");

/**
 * The stacks for recorded calls: as shipped, with moto's account for tooling. CodeCommit has the source, and the one function
 * that only a source on GitHub has is there too, with its role and its secret as that configuration makes them: so its
 * calls are recorded and its policy is proven beside all others.
 */
export const synthRecordedStacks = async (): Promise<SynthesizedStacks> => {
  const shipped = await synthStacks(withMotoAccount);
  const reporting = await synthStacks(withReports);
  await reporting.remove();
  const [delivery, more] = [shipped.stacks.get("delivery"), reporting.stacks.get("delivery")];
  if (!delivery || !more) throw new Error("the stacks have no delivery");
  const resource: Record<string, Record<string, Readonly<Record<string, unknown>>>> = {};
  for (const [type, resources] of Object.entries(delivery.resource ?? {})) resource[type] = { ...resources };
  let added = 0;
  for (const [type, resources] of Object.entries(more.resource ?? {}))
    for (const [name, value] of Object.entries(resources)) {
      if (!isOfReports(name, value)) continue;
      resource[type] = { ...resource[type], [name]: value };
      added++;
    }
  // Without the function's resources, the proof would pass for nothing.
  if (added < 5) throw new Error("a configuration with reports adds no function");
  return { ...shipped, stacks: new Map([...shipped.stacks, ["delivery", { ...delivery, resource }]]) };
};
