const constantPattern = /^const (_\w+) = ("[^"\\]*");$/gm;
const computedKeyPattern = /\[(_\w+)\]:/g;

/**
 * Replaces `[_ht]: …` by `"http": …` in the schema file of an AWS client, if the file contains `const _ht = "http";`.
 * Computing a key may have a side effect, so esbuild keeps every object with a computed key: without this, a bundle
 * would contain all operations of the service, 10 to 50 KB per client.
 */
export const inlineComputedKeys = (source: string): string => {
  const literals = new Map(
    [...source.matchAll(constantPattern)].map(([, name = "", literal = ""]) => [name, literal]),
  );
  return source.replace(computedKeyPattern, (key, name: string) => {
    const literal = literals.get(name);
    return literal === undefined ? key : `${literal}:`;
  });
};
