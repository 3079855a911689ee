import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec";
import * as z from "zod";

/** https://tc39.es/ecma426/#sec-source-map-format */
const SourceMap = z.object({
  version: z.literal(3),
  sources: z.array(z.string()),
  names: z.array(z.string()),
  mappings: z.string(),
});

/** Position of each value among those seen, in the order in which they were first asked for. */
const createNumbering = (values: readonly string[]) => {
  const order = new Map<string, number>();
  const numberOf = (index: number): number => {
    const value = values[index] ?? "";
    const found = order.get(value) ?? order.size;
    order.set(value, found);
    return found;
  };
  return { numberOf, inOrder: () => [...order.keys()] };
};

/**
 * A bundle's source map without what comes from packages: nine tenths of it, which Node would read at every cold
 * start. A package's frame in a stack trace stays at its place in the bundle, ours lead to our files.
 */
export const trimSourceMap = (map: Uint8Array): Uint8Array => {
  const { sources, names, mappings } = SourceMap.parse(JSON.parse(new TextDecoder().decode(map)));
  const [newSources, newNames] = [createNumbering(sources), createNumbering(names)];
  const isOwn = (source: number) => !sources[source]?.split("/").includes("node_modules");

  const ownSegment = (segment: SourceMapSegment): SourceMapSegment => {
    if (segment.length === 1 || !isOwn(segment[1])) return [segment[0]];
    const [column, source, line, sourceColumn, name] = segment;
    const place = [column, newSources.numberOf(source), line, sourceColumn] as const;
    return name === undefined ? [...place] : [...place, newNames.numberOf(name)];
  };
  const lines = decode(mappings).map((line) =>
    line
      .map(ownSegment)
      // Of a package's segments in a row the first says it all: from here on nothing is ours.
      .filter((segment, index, all) => segment.length > 1 || all[index - 1]?.length !== 1),
  );
  return new TextEncoder().encode(
    JSON.stringify({
      version: 3,
      sources: newSources.inOrder(),
      names: newNames.inOrder(),
      mappings: encode(lines),
    }),
  );
};
