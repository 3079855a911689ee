import { type SynthesizedStacks, synthStacks } from "./synth-stacks.ts";

/** The stacks for recorded calls: as shipped, with moto's account for tooling. */
export const synthRecordedStacks = (): Promise<SynthesizedStacks> =>
  synthStacks((shipped) => ({ ...shipped, tooling: { ...shipped.tooling, account: "123456789012" } }));
