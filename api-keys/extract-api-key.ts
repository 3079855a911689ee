/**
 * Returns a request's API key from `x-api-key`, else from `Authorization: Bearer …`; undefined if it has neither.
 * @param header returns the value of a header by its lower-case name
 */
export const extractApiKey = (header: (name: string) => string | undefined): string | undefined =>
  header("x-api-key") ?? header("authorization")?.match(/^Bearer +(\S+)$/i)?.[1];
