/** The rules do not cover this graph: onnxruntime runs it. The message says why, as a sentence without a period. */
export class NotCompiled extends Error {
  override readonly name = "NotCompiled";
}
