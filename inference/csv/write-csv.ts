import { listOutputFields, type OutputField } from "#model-folder/manifest/list-output-fields.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

type CsvColumn = { readonly name: string; readonly read: (prediction: Prediction) => string };

const quoteCell = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

const toColumns = (manifest: Manifest, field: OutputField): readonly CsvColumn[] => {
  switch (field.kind) {
    case "label":
    case "band":
      return [{ name: field.name, read: field.read }];
    case "number":
      return [{ name: field.name, read: (prediction) => String(field.read(prediction) ?? "") }];
    case "scores": {
      const prefix =
        field.name === "probabilities" || manifest.task === "classification"
          ? "score"
          : manifest.task === "clustering"
            ? "distance"
            : field.name;
      return field.labels.map((label) => ({
        name: `${prefix}.${label}`,
        read: (prediction) => String(getOwnProperty(field.read(prediction), label) ?? ""),
      }));
    }
    case "labels":
      return field.labels.map((label) => ({
        name: `label.${label}`,
        read: (prediction) => (field.read(prediction).includes(label) ? "1" : "0"),
      }));
    // A cell cannot nest: it holds JSON.
    case "tensor":
    case "entities":
      return [{ name: field.name, read: (prediction) => JSON.stringify(field.read(prediction)) }];
    default:
      return field satisfies never;
  }
};

/** `band` stands beside `label`. */
const columnOrder: readonly OutputField["kind"][] = ["label", "band"];
const place = ({ kind }: OutputField): number => {
  const index = columnOrder.indexOf(kind);
  return index < 0 ? columnOrder.length : index;
};

/**
 * Writes predictions as CSV (RFC 4180): `label`, `band` and `score.<label>` for each score; or a column per value. Several
 * labels: `label.<label>` with 0 or 1. Tensors and entities are JSON in one cell.
 */
export const writeCsv = (manifest: Manifest) => {
  const fields = listOutputFields(manifest);
  const columns = (
    manifest.task === "classification" ? fields.toSorted((a, b) => place(a) - place(b)) : fields
  ).flatMap((field) => toColumns(manifest, field));
  return (predictions: readonly Prediction[], options: { readonly header: boolean }): string => {
    const lines = predictions.map((prediction) =>
      columns.map(({ read }) => quoteCell(read(prediction))).join(","),
    );
    return [
      ...(options.header ? [columns.map(({ name }) => quoteCell(name)).join(",")] : []),
      ...lines,
      "",
    ].join("\r\n");
  };
};
