/** Writes to stdout or stderr. What nobody reads any more, or a full disk does not take, is lost and ends nothing. */
export const writeOut = (stream: NodeJS.WriteStream, text: string): void => {
  try {
    stream.write(text);
  } catch {
    // A stream that is closed; its error event is heard below.
  }
};

/** Without a listener a broken pipe (`… | head`) or a full disk behind stdout would end the process. */
export const ignoreOutputErrors = (): void => {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
};
