import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

const quoteCell = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Predictions as a table (RFC 4180): `label`, `band` and `score.<label>` of each label; or the values under their names. */
export const writeCsv = (manifest: Manifest) => {
  const classifies = manifest.task === "classification";
  const names = classifies ? manifest.output.labels : valueNames(manifest.output);
  const banded = classifies && manifest.output.bands !== undefined;
  const header = classifies
    ? ["label", ...(banded ? ["band"] : []), ...names.map((name) => `score.${name}`)]
    : names;
  return (predictions: readonly Prediction[], options: { readonly header: boolean }): string => {
    const lines = predictions.map(({ label, band, scores }) =>
      [
        ...(classifies ? [quoteCell(label ?? "")] : []),
        ...(banded ? [band ?? ""] : []),
        ...names.map((name) => String(getOwnProperty(scores, name) ?? "")),
      ].join(","),
    );
    return [...(options.header ? [header.map(quoteCell).join(",")] : []), ...lines, ""].join("\r\n");
  };
};
