import type * as z from "zod";

/** A step as the engine calls it: parses the event once, by its contract; an invalid event ends as ContractBroken. */
export const parseInput =
  <Input, Output>(input: z.ZodType<Input>, step: (input: Input) => Promise<Output>) =>
  async (event: unknown): Promise<Output> =>
    step(input.parse(event));
