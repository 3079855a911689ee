import { type Written, writtenStacks } from "./written-stacks.ts";

/** The stacks under which calls are recorded: as shipped, with moto's own account for tooling. */
export const recordedStacks = (): Promise<Written> =>
  writtenStacks((shipped) => ({ ...shipped, tooling: { ...shipped.tooling, account: "123456789012" } }));
