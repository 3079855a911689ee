const pattern = /^(\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d{0,5})?$/i;

/** Whether a Host header is valid. RFC 9112, 3.2: refuse an invalid one. */
export const isValidHost = (host: string): boolean => pattern.test(host);
