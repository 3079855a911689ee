import { listOutputFields } from "#model-folder/manifest/list-output-fields.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { ServedExport } from "./serve-export.ts";

const describeField = (field: ReturnType<typeof listOutputFields>[number]): string => {
  switch (field.kind) {
    case "label":
      return `label (${field.labels.length})`;
    case "labels":
      return `labels that apply (${field.labels.length})`;
    case "scores":
      return field.name;
    case "number":
      return `\`${field.name}\``;
    case "band":
    case "tensor":
    case "entities":
      return field.name;
    default:
      return field satisfies never;
  }
};

const describeManifest = (manifest: Manifest): string =>
  `${manifest.task}: ${listOutputFields(manifest).map(describeField).join(", ")}`;

/** Cells of a Markdown table hold no line breaks and no bare pipes. */
const formatCell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", "<br>");
const formatCode = (code: string): string =>
  code
    .split("\n")
    .map((line) => `\`${line}\``)
    .join("\n");

/** A line of a table: an export, the options of `slipway new`, and what came of it. */
export type ServeTableRow = {
  readonly exported: { readonly library: string; readonly kind: string; readonly export: string };
  readonly options: readonly string[];
  readonly served: ServedExport;
};

/** A table of docs/what-can-i-serve.md, one line per export. */
export const formatServeTable = (rows: readonly ServeTableRow[]): string =>
  [
    "| library | model | exported by | `slipway new` with | Slipway makes of it |",
    "|---|---|---|---|---|",
    ...rows.map(({ exported, options, served }) => {
      const changes = served.changes.map((change) =>
        change.replace(/^model\.onnx: /, "").replace(/:.*$|\.$/s, ""),
      );
      const cells = [
        exported.library,
        exported.kind,
        formatCode(exported.export),
        options.map((option) => `\`${option}\``).join(" "),
        [describeManifest(served.manifest), ...changes].join("; "),
      ];
      return `| ${cells.map(formatCell).join(" | ")} |`;
    }),
  ].join("\n");
