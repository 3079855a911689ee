import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec";
import * as z from "zod";

/** https://tc39.es/ecma426/#sec-source-map-format */
const SourceMap = z.object({
  version: z.literal(3),
  sources: z.array(z.string()),
  names: z.array(z.string()),
  mappings: z.string(),
});

/** Numbers values in the order of their first use. */
const createNumbering = (values: readonly string[]) => {
  const order = new Map<string, number>();
  const getNumber = (index: number): number => {
    const value = values[index] ?? "";
    const number = order.get(value) ?? order.size;
    order.set(value, number);
    return number;
  };
  return { getNumber, inOrder: () => [...order.keys()] };
};

/**
 * Whether a segment says nothing that the one before it does not: both in packages, or on the same line of the same file
 * without a name. A stack trace needs file, line and the names of functions; its column is then where the line's code begins.
 */
const repeats = (segment: SourceMapSegment, previous: SourceMapSegment | undefined): boolean => {
  if (previous === undefined || segment.length === 1) return previous?.length === segment.length;
  if (previous.length === 1 || segment.length === 5) return false;
  return segment[1] === previous[1] && segment[2] === previous[2];
};

/**
 * Removes packages' mappings from a bundle's source map: nine tenths of it, which Node would parse at every cold start.
 * In stack traces, our frames point to our files and packages' frames to the bundle.
 */
export const trimSourceMap = (map: Uint8Array): Uint8Array => {
  const { sources, names, mappings } = SourceMap.parse(JSON.parse(new TextDecoder().decode(map)));
  const [newSources, newNames] = [createNumbering(sources), createNumbering(names)];
  const isOwn = (source: number) => !sources[source]?.split("/").includes("node_modules");

  const convertSegment = (segment: SourceMapSegment): SourceMapSegment => {
    if (segment.length === 1 || !isOwn(segment[1])) return [segment[0]];
    const [column, source, line, sourceColumn, name] = segment;
    const position = [column, newSources.getNumber(source), line, sourceColumn] as const;
    return name === undefined ? [...position] : [...position, newNames.getNumber(name)];
  };
  const lines = decode(mappings).map((line) =>
    line.map(convertSegment).filter((segment, index, all) => !repeats(segment, all[index - 1])),
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
