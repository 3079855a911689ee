import { z } from "zod";

export const firstSeed = 20_261_129;

/** Seeds of a sample's stories. `SLIPWAY_SEED`: the first, to repeat one. */
export const listSeeds = (sample: number): readonly number[] => {
  const { SLIPWAY_SEED: first } = z
    .object({ SLIPWAY_SEED: z.coerce.number().int().default(firstSeed) })
    .parse(process.env);
  return [...Array(sample).keys()].map((index) => first + index);
};
