import { type BuildOptions, transform } from "esbuild";

/** esbuild keeps `this` for a former arrow function in a variable, which it sets before `super()` is called. */
const earlyThisPattern = /\bsuper\(/;
const keptThisPattern = /(?:var|let|const)\s+\w+\s*=\s*this\b/;

/**
 * Replaces each arrow function by a function expression. V8 skips the body of such a function until something calls it, but
 * reads that of an arrow function with the file: 2 ms of a cold start for 60 KB. Throws for code that is not the same
 * afterwards, because a constructor calls `super` and the code uses `this` in an arrow function.
 */
export const replaceArrowFunctions = async (
  code: string,
  { target, charset, lineLimit }: Pick<BuildOptions, "target" | "charset" | "lineLimit">,
): Promise<string> => {
  const result = await transform(code, {
    ...(target === undefined ? {} : { target }),
    ...(charset === undefined ? {} : { charset }),
    ...(lineLimit === undefined ? {} : { lineLimit }),
    format: "esm",
    minify: true,
    supported: { arrow: false },
  });
  if (earlyThisPattern.test(result.code) && keptThisPattern.test(result.code))
    throw new Error(
      "a file of the start has an arrow function that uses `this`: it would be set before super(). Write a function.",
    );
  return result.code;
};
