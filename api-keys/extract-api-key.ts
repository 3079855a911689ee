/**
 * What a request brings as its API key: `x-api-key`, otherwise `Authorization: Bearer …`; undefined: nothing.
 * @param header the value of a header by its lower-case name
 */
export const extractApiKey = (header: (name: string) => string | undefined): string | undefined =>
  header("x-api-key") ?? header("authorization")?.match(/^Bearer +(\S+)$/i)?.[1];
