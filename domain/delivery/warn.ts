/** Tells operators of a fault that ends nothing, and `about` which delivery or model it was. */
export type Warn = (
  sentence: string,
  fault: unknown,
  about?: { readonly delivery?: string; readonly model?: string; readonly approval?: string },
) => void;
