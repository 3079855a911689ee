import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import type { OnnxFile, Plan } from "./plan.ts";
import { alignPlanOffset, planFormat } from "./plan-format.ts";
import { sumWords } from "./sum-words.ts";

const remedy = "build the image again";
const refuse = (what: string): never => {
  throw new ModelUnreadable(`model.plan ${what}: ${remedy}`);
};

/** A shallow check is enough: the checksum says that the build's own bytes are here, and only a build writes them. */
const isPlan = (content: unknown): content is Plan =>
  typeof content === "object" && content !== null && "status" in content;

/**
 * Reads `model.plan`; ensembles are views of its bytes. Throws ModelUnreadable for a file that is damaged, of another version
 * or of another ONNX file.
 * @param file the ONNX file beside it
 */
export const readPlan = async (bytes: Uint8Array, file: OnnxFile): Promise<Plan> => {
  const { magic, version } = planFormat;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = (at: number): number => view.getUint32(at, true);
  const text = (start: number, end: number) => new TextDecoder().decode(bytes.subarray(start, end));
  if (bytes.length < planFormat.ensembleBytesAt || text(0, magic.length) !== magic)
    return refuse("is no plan");
  const found = read(magic.length);
  if (found !== version) return refuse(`has version ${found}, and this runtime reads version ${version}`);
  const hasChecksum = (at: number, content: Uint8Array): boolean => {
    const [sum, sums] = sumWords(content);
    return view.getBigUint64(at, true) === sum && view.getBigUint64(at + 8, true) === sums;
  };
  if (!hasChecksum(planFormat.checksumAt, bytes.subarray(planFormat.checkedFrom)))
    return refuse("is damaged (its checksum differs)");
  const count = read(planFormat.ensemblesAt);
  let end = planFormat.ensembleBytesAt + 4 * count;
  const takePart = (length: number): readonly [number, number] => {
    const start = alignPlanOffset(end);
    end = start + length;
    return end <= bytes.length ? [start, end] : refuse("is cut off");
  };
  if (end > bytes.length) return refuse("is cut off");
  const content: unknown = JSON.parse(text(...takePart(read(planFormat.jsonBytesAt))));
  if (!isPlan(content)) return refuse("is no plan");
  const belongs =
    file.size === read(planFormat.modelBytesAt) &&
    (content.status === "not-compiled" || hasChecksum(planFormat.modelChecksumAt, await file.bytes()));
  if (!belongs) return refuse("belongs to another ONNX file than the one beside it");
  const ensembles = Array.from({ length: count }, (_, index) =>
    bytes.subarray(...takePart(read(planFormat.ensembleBytesAt + 4 * index))),
  );
  // Zeros behind the last word do not change the checksum.
  if (end !== bytes.length) return refuse("is longer than its parts");
  if (content.status === "not-compiled") return content;
  return { ...content, ensembles, isChecked: true };
};
