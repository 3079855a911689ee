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
    line
      .map(convertSegment)
      // Of consecutive package segments, the first one is enough.
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
