import { escapeControls } from "#untrusted/escape-controls.ts";

const longestPerson = 60;

/** Who rolled back; the rest is the reason. Of an ARN the end, which names the person. */
export const nameRollbackPerson = (by: string): string => {
  const person = escapeControls(by.split(": ", 1)[0] ?? by);
  const name = /^arn:[^/]*\/(.+)$/.exec(person)?.[1]?.slice(-longestPerson) ?? person;
  return name.slice(0, longestPerson).toWellFormed();
};
