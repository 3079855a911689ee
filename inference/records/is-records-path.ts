/** Whether an address of the service is one of its records: what they hold is for whoever has a key. */
export const isRecordsPath = (path: string): boolean =>
  path === "/v1/predictions" || path.startsWith("/v1/predictions/");
