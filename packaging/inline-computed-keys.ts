const constantPattern = /^const (_\w+) = ("[^"\\]*");$/gm;
const computedKeyPattern = /\[(_\w+)\]:/g;

/**
 * An AWS client's schemas (a file of their own) with `[_ht]: …` as `"http": …`, where the file itself says
 * `const _ht = "http";`. esbuild keeps every object with a computed key, because computing one may have an effect, and so
 * each operation of the service would stay in a bundle, 10 to 50 KB a client.
 */
export const inlineComputedKeys = (source: string): string => {
  const texts = new Map(
    [...source.matchAll(constantPattern)].map(([, name = "", text = ""]) => [name, text]),
  );
  return source.replace(computedKeyPattern, (key, name: string) => {
    const text = texts.get(name);
    return text === undefined ? key : `${text}:`;
  });
};
