import { z } from "zod";

/** Seeds of the stories. `SLIPWAY_DECISIONS`: how many; `SLIPWAY_SEED`: the first, to repeat one. */
export const listSeeds = (sample: number): readonly number[] => {
  const { SLIPWAY_DECISIONS: count, SLIPWAY_SEED: first } = z
    .object({
      SLIPWAY_DECISIONS: z.coerce.number().int().min(1).default(sample),
      SLIPWAY_SEED: z.coerce.number().int().default(20_261_129),
    })
    .parse(process.env);
  return [...Array(count).keys()].map((index) => first + index);
};
