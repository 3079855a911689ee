import type * as z from "zod";

/** A step as the engine calls it: its event is parsed here, once; one that its contract refuses ends as ContractBroken. */
export const parseInput =
  <Input, Output>(input: z.ZodType<Input>, step: (input: Input) => Promise<Output>) =>
  async (event: unknown): Promise<Output> =>
    step(input.parse(event));
