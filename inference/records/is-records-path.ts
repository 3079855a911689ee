/**
 * Whether a path of the service returns prediction records, or another server could read it as such a path: records need a
 * key. @param path percent-encoded as received
 */
export const isRecordsPath = (path: string): boolean => {
  try {
    return /^\/+v1\/+predictions(\/|$)/.test(decodeURIComponent(path));
  } catch {
    // Another server may decode an invalid path differently.
    return true;
  }
};
