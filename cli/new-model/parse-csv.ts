import { CsvError, parse } from "csv-parse/sync";
import * as z from "zod";
import type { Delimiter } from "./csv-dialect.ts";

const Records = z.array(z.array(z.string()));
export type CsvRecords = z.infer<typeof Records>;

type ParseOptions = { readonly delimiter: Delimiter; readonly to?: number; readonly ragged?: boolean };

/** A blank before an opening quote is a mistake by RFC 4180, and what some programs write: the second try allows it. */
export const parseCsv = (text: string, { delimiter, to, ragged = false }: ParseOptions): CsvRecords => {
  const options = {
    bom: true,
    delimiter,
    skip_empty_lines: true,
    relax_column_count: ragged,
    ...(to === undefined ? {} : { to }),
  };
  try {
    return Records.parse(parse(text, options));
  } catch (error) {
    if (!(error instanceof CsvError && error.code === "INVALID_OPENING_QUOTE")) throw error;
    return Records.parse(parse(text, { ...options, ltrim: true }));
  }
};

/** Whether each name of the header is in quotes: then its blanks belong to it. */
export const findQuotedNames = (text: string, delimiter: Delimiter): readonly boolean[] =>
  z.array(z.array(z.boolean())).parse(
    parse(text, {
      bom: true,
      delimiter,
      skip_empty_lines: true,
      relax_column_count: true,
      ltrim: true,
      to: 1,
      cast: (_, { quoting }) => quoting,
    }),
  )[0] ?? [];
