/**
 * What `work` gives of each item, in the items' order. `together`: so many at once, the next ones when all of those have
 * ended; where one throws, none begins after it.
 */
export const sideBySide = async <Item, Result>(
  items: readonly Item[],
  together: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> => {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += together)
    results.push(...(await Promise.all(items.slice(start, start + together).map(work))));
  return results;
};
