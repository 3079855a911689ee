import { PbfReader } from "pbf";
import { ModelUnreadable } from "./model-unreadable.ts";
import {
  type Chunks,
  joinChunks,
  listFields,
  type MessageField,
  replaceFields,
  writeField,
} from "./onnx-fields.ts";

/** A file, and what changed in it, one sentence each. */
export type JoinedOnnx = { readonly bytes: Uint8Array; readonly changes: readonly string[] };

type Range = { readonly start: number; readonly end: number };
type Location = { readonly file: string; readonly offset: number; readonly length: number | undefined };
/** A tensor whose data is in another file. */
type ExternalTensor = {
  readonly field: MessageField;
  readonly fields: readonly MessageField[];
  readonly at: Location;
};

// Field numbers: onnx.proto.
const graphField = 7;
const initializerField = 5;
const tensorFields = { name: 8, raw: 9, external: 13, location: 14 };
const maxBytes = 2_000_000_000;

const toRange = ({ value, end }: MessageField): Range => ({ start: value, end });
const listRange = (bytes: Uint8Array, { start, end }: Range) => listFields(bytes, start, end);
const readText = (bytes: Uint8Array, field: MessageField | undefined): string =>
  field ? new TextDecoder().decode(bytes.subarray(field.value, field.end)) : "";

const isExternal = (bytes: Uint8Array, fields: readonly MessageField[]): boolean =>
  fields.some(
    ({ field, value }) =>
      field === tensorFields.location && new PbfReader(bytes.subarray(value)).readVarint() === 1,
  );

/** A number of an entry; undefined: absent. NaN: no number. */
const readCount = (text: string | undefined): number | undefined =>
  text === undefined || text === "" ? undefined : /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;

const readLocation = (bytes: Uint8Array, fields: readonly MessageField[]): Location => {
  const entries = new Map(
    fields
      .filter(({ field }) => field === tensorFields.external)
      .map((entry) => {
        const parts = listRange(bytes, toRange(entry));
        const read = (number: number) =>
          readText(
            bytes,
            parts.find(({ field }) => field === number),
          );
        return [read(1), read(2)] as const;
      }),
  );
  const name = readText(
    bytes,
    fields.find(({ field }) => field === tensorFields.name),
  );
  const file = entries.get("location") ?? "";
  const offset = readCount(entries.get("offset")) ?? 0;
  const length = readCount(entries.get("length"));
  const isInside = file !== "" && !/^([/\\]|[A-Za-z]:)/.test(file) && !file.split(/[/\\]/).includes("..");
  if (!isInside || Number.isNaN(offset) || Number.isNaN(length))
    throw new ModelUnreadable(
      `the tensor ${name} keeps its data in ${JSON.stringify(file)}, which is not a file of the model's own folder`,
      { remedy: "Export the model again into one file." },
    );
  return { file, offset, length };
};

const listExternalTensors = (bytes: Uint8Array, graph: Range): readonly ExternalTensor[] =>
  listRange(bytes, graph)
    .filter(({ field, isMessage }) => field === initializerField && isMessage)
    .flatMap((field) => {
      const fields = listRange(bytes, toRange(field));
      return isExternal(bytes, fields) ? [{ field, fields, at: readLocation(bytes, fields) }] : [];
    });

/**
 * Joins the data that a model's tensors keep in other files (torch.onnx.export writes model.onnx.data) into the model's file.
 * All other bytes stay as they are. Throws ModelUnreadable with the remedy where such a file is missing or too short, lies
 * outside of the model's folder, or where all of it is larger than one ONNX file can be (2 GB).
 * @param readFile reads a file by its path relative to the model's folder; undefined: there is none
 * Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export const joinExternalData = async (
  bytes: Uint8Array,
  readFile: (path: string) => Promise<Uint8Array | undefined>,
): Promise<JoinedOnnx> => {
  const graph = listFields(bytes).find(({ field, isMessage }) => field === graphField && isMessage);
  const tensors = graph ? listExternalTensors(bytes, toRange(graph)) : [];
  if (!graph || tensors.length === 0) return { bytes, changes: [] };
  const files = new Map<string, Uint8Array>();
  for (const file of new Set(tensors.map(({ at }) => at.file))) {
    const content = await readFile(file);
    if (!content)
      throw new ModelUnreadable(`the model keeps its weights in the file ${file}, which is not beside it`, {
        remedy: `Copy ${file} into the folder of the ONNX file, or export the model into one file (torch.onnx.export: external_data=False).`,
      });
    files.set(file, content);
  }
  const readData = ({ file, offset, length }: Location): Uint8Array => {
    const content = files.get(file) ?? new Uint8Array();
    const end = length === undefined ? content.length : offset + length;
    if (offset > end || end > content.length)
      throw new ModelUnreadable(
        `the model's weights in ${file} end at byte ${content.length}, a tensor of the model needs ${end}`,
        { remedy: `The copy of ${file} is not whole, or is of another export: copy both files again.` },
      );
    return content.subarray(offset, end);
  };
  const total = tensors.reduce((sum, { at }) => sum + readData(at).length, bytes.length);
  if (total > maxBytes)
    throw new ModelUnreadable(
      `the model and its weights have ${total} bytes, one ONNX file has at most 2 GB`,
      {
        remedy: "Quantize it (onnxruntime.quantization), or export a smaller model.",
      },
    );
  const replacements = new Map(
    tensors.map(({ field, fields, at }): [MessageField, Chunks] => {
      const dropped = fields.filter(({ field: number }) =>
        [tensorFields.raw, tensorFields.external, tensorFields.location].includes(number),
      );
      const kept = replaceFields(bytes, toRange(field), new Map(dropped.map((each) => [each, []])));
      return [
        field,
        writeField(initializerField, [...kept, ...writeField(tensorFields.raw, [readData(at)])]),
      ];
    }),
  );
  const newGraph = writeField(graphField, replaceFields(bytes, toRange(graph), replacements));
  return {
    bytes: joinChunks(replaceFields(bytes, { start: 0, end: bytes.length }, new Map([[graph, newGraph]]))),
    changes: [
      `the weights in ${[...files.keys()].join(", ")} are joined into it, because a model's folder has one ONNX file`,
    ],
  };
};
