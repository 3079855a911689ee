/** Choices by a random number generator: equal seeds make equal choices. */
export const createChance = (random: () => number) => ({
  random,
  below: (count: number) => Math.floor(random() * count),
  between: (least: number, most: number) => least + Math.floor(random() * (most - least + 1)),
  one: <T>(list: readonly T[]): T => {
    const item = list[Math.floor(random() * list.length)];
    if (item === undefined) throw new RangeError("nothing to choose from");
    return item;
  },
  share: (probability: number) => random() < probability,
});
export type Chance = ReturnType<typeof createChance>;
