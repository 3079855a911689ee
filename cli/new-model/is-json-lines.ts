/** Whether a table's name says that it is JSON lines, which look like any other JSON. */
export const isJsonLines = (name: string): boolean => /\.(jsonl|ndjson)$/i.test(name);
