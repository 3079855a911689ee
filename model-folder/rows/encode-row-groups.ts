import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { type CreateImageWriter, type EncodedFeed, encodeRows } from "./encode-rows.ts";
import { resolveRowShape } from "./resolve-row-shape.ts";
import type { RowProblem } from "./row-problem.ts";

/** Rows that fit into one run of the graph. */
type RowGroup = {
  readonly feeds: readonly EncodedFeed[];
  /** Their places in the request. */
  readonly places: readonly number[];
};
type EncodeGroupsResult =
  | { readonly status: "encoded"; readonly groups: readonly RowGroup[]; readonly rows: number }
  | { readonly status: "invalid"; readonly problems: readonly RowProblem[] };

/** Each size is a run of its own. */
const maxGroups = 1_000;

/**
 * Validates and encodes rows as encodeRows does. Rows whose arrays have other sizes in an open dimension (windows of other
 * lengths) cannot share a run: they become groups, each with the rows of one size.
 */
export const encodeRowGroups = (
  columns: readonly Column[],
  options: { readonly createImageWriter?: CreateImageWriter | undefined } = {},
) => {
  const encode = encodeRows(columns, options);
  const open = columns.filter(({ feed }) => feed.shape?.includes(null));

  const describeSizes = (row: unknown): string =>
    open
      .map(({ input, feed }) =>
        resolveRowShape(feed, isJsonObject(row) ? getOwnProperty(row, input.name) : undefined).join(),
      )
      .join(";");

  return (rows: unknown): EncodeGroupsResult => {
    const groups = new Map<string, number[]>();
    if (Array.isArray(rows) && open.length > 0)
      for (const [place, row] of rows.entries()) {
        const sizes = describeSizes(row);
        const places = groups.get(sizes);
        if (places) places.push(place);
        else groups.set(sizes, [place]);
      }
    if (!Array.isArray(rows) || groups.size < 2) {
      const encoded = encode(rows);
      return encoded.status === "invalid"
        ? encoded
        : {
            status: "encoded",
            rows: encoded.rows,
            groups: [
              { feeds: encoded.feeds, places: Array.from({ length: encoded.rows }, (_, place) => place) },
            ],
          };
    }
    if (groups.size > maxGroups)
      return {
        status: "invalid",
        problems: [
          { detail: `has arrays of ${groups.size} different sizes (limit ${maxGroups} in a request)` },
        ],
      };
    const problems: RowProblem[] = [];
    const encodedGroups: RowGroup[] = [];
    for (const places of groups.values()) {
      const encoded = encode(places.map((place): unknown => rows[place]));
      if (encoded.status === "encoded") encodedGroups.push({ feeds: encoded.feeds, places });
      else
        problems.push(
          ...encoded.problems.map((problem) =>
            problem.row === undefined ? problem : { ...problem, row: places[problem.row] ?? 0 },
          ),
        );
    }
    return problems.length > 0
      ? {
          status: "invalid",
          problems: problems.toSorted((one, other) => (one.row ?? 0) - (other.row ?? 0)).slice(0, 100),
        }
      : { status: "encoded", rows: rows.length, groups: encodedGroups };
  };
};
