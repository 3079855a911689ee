/** Logs an error that ends nothing. */
export type LogWarning = (
  sentence: string,
  error: unknown,
  about?: { readonly delivery?: string; readonly model?: string; readonly approval?: string },
) => void;
