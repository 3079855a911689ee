import { ModelUnreadable } from "./model-unreadable.ts";
import { listFields, type MessageField } from "./onnx-fields.ts";

const graphField = 7;

/** The top-level fields of a protobuf message; undefined: the bytes are none, or only a part of one. */
export const listTopFields = (bytes: Uint8Array): readonly MessageField[] | undefined => {
  try {
    return listFields(bytes);
  } catch (error) {
    if (error instanceof ModelUnreadable) return undefined;
    throw error;
  }
};

/** Whether a message has a graph where ONNX's ModelProto has it (onnx.proto). */
export const hasGraph = (fields: readonly MessageField[]): boolean =>
  fields.some(({ field, isMessage }) => field === graphField && isMessage);
