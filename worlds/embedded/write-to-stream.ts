/** Writes to stdout or stderr. A closed pipe or a full disk loses the text and does not end the process. */
export const writeToStream = (stream: NodeJS.WriteStream, text: string): void => {
  try {
    stream.write(text);
  } catch {
    // The stream is closed; ignoreOutputErrors handles its error event.
  }
};

/** Without a listener for `error`, a broken pipe (`… | head`) or a full disk would end the process. */
export const ignoreOutputErrors = (): void => {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
};
