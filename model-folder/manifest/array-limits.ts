/** Limits for tensors and images. A request's arrays are allocated only after they are known to be within them. */
export const arrayLimits = {
  /** Elements of one input of one row: an image of 1,182 × 1,182 pixels in three colours. */
  rowElements: 4_194_304,
  /** Elements of all array inputs of a request's rows: 64 MB as float32. */
  requestElements: 16_777_216,
  /** Pixels of an image before it is resized: 24 megapixels, the photo of a camera. */
  imagePixels: 25_000_000,
  /** Pixels of all images of a request before they are resized. */
  requestPixels: 100_000_000,
  /** Characters of one image's base64 text. */
  imageCharacters: 16_000_000,
} as const;
