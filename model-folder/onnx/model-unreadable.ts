/** The ONNX file is broken, refused or does not match its manifest. */
export class ModelUnreadable extends Error {
  override readonly name = "ModelUnreadable";
}
