import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { elementBounds } from "#model-folder/rows/feed-data.ts";
import { createTextTable, type TextTable } from "./text-table.ts";

/** What a scanned value of a column may be. A value is a number: 0 or 1 for a flag, the index of a category. */
export type ColumnRule = {
  readonly required: boolean;
  readonly kind: "number" | "boolean" | "category";
  readonly min: number;
  readonly max: number;
  readonly isInteger: boolean;
  /** The texts of a category; empty for the other kinds. */
  readonly texts: TextTable;
};

const noTexts = createTextTable([]);

/** The rule of a column, equal to what encodeRows accepts; undefined for a column whose values are no numbers or known texts. */
export const createColumnRule = ({ input, feed }: Column): ColumnRule | undefined => {
  const { required } = input;
  switch (input.type) {
    case "integer":
    case "number": {
      const [lowest, highest] =
        feed.element === "string" ? [-Number.MAX_VALUE, Number.MAX_VALUE] : elementBounds[feed.element];
      const min = Math.max(input.min, lowest);
      const max = Math.min(input.max, highest);
      return { required, kind: "number", min, max, isInteger: input.type === "integer", texts: noTexts };
    }
    case "boolean":
      return { required, kind: "boolean", min: 0, max: 1, isInteger: true, texts: noTexts };
    case "category": {
      if (new Set(input.values).size < input.values.length) return undefined;
      const texts = createTextTable(input.values);
      return { required, kind: "category", min: 0, max: input.values.length - 1, isInteger: true, texts };
    }
    case "string":
    case "tensor":
    case "image":
      return undefined;
    default:
      return input satisfies never;
  }
};
