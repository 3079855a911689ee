import { type SynthesizedStacks, synthStacks } from "./synth-stacks.ts";

/** The stacks under which calls are recorded: as shipped, with moto's own account for tooling. */
export const synthRecordedStacks = (): Promise<SynthesizedStacks> =>
  synthStacks((shipped) => ({ ...shipped, tooling: { ...shipped.tooling, account: "123456789012" } }));
