/**
 * Whether an address of the service is one of its records, or may be taken for one by who reads it otherwise: what they
 * hold is for whoever has a key. @param path as it came, percent-encoded
 */
export const isRecordsPath = (path: string): boolean => {
  try {
    return /^\/+v1\/+predictions(\/|$)/.test(decodeURIComponent(path));
  } catch {
    // What cannot be read one way may be read another.
    return true;
  }
};
