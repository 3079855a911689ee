import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { scoreNames } from "#model-folder/manifest/score-names.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

const quoteCell = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Writes predictions as CSV (RFC 4180): `label`, `band` and `score.<label>` for each score; or a column per value. */
export const writeCsv = (manifest: Manifest) => {
  const isClassification = manifest.task === "classification";
  const names = scoreNames(manifest);
  const hasBands = isClassification && manifest.output.bands !== undefined;
  const header = isClassification
    ? ["label", ...(hasBands ? ["band"] : []), ...names.map((name) => `score.${name}`)]
    : names;
  return (predictions: readonly Prediction[], options: { readonly header: boolean }): string => {
    const lines = predictions.map(({ label, band, scores }) =>
      [
        ...(isClassification ? [quoteCell(label ?? "")] : []),
        ...(hasBands ? [band ?? ""] : []),
        ...names.map((name) => String(getOwnProperty(scores, name) ?? "")),
      ].join(","),
    );
    return [...(options.header ? [header.map(quoteCell).join(",")] : []), ...lines, ""].join("\r\n");
  };
};
