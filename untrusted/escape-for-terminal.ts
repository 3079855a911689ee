import { escapeCharacter, escapeControls } from "./escape-controls.ts";

const escapeCode = "\u001b";
/** The program's own styles: bold, dim, six colours and their ends. None of them hides text or moves the cursor. */
const colorSequence = new RegExp(`(${escapeCode}\\[(?:1|2|22|3[1-69])m|\\n)`);

/**
 * Makes text safe for a terminal or a file. Line ends and the program's own colours stay; every other control character
 * is escaped as JSON does. Names inside the text need escapeControls first, so that they stay on their line.
 */
export const escapeForTerminal = (text: string): string =>
  text
    .split(colorSequence)
    .map((part, index) => (index % 2 === 1 ? part : escapeControls(part)))
    .join("");

/** Makes text safe as one line for a terminal; the program's own colours stay. */
export const escapeTerminalLine = (text: string): string =>
  escapeForTerminal(text).replaceAll("\n", escapeCharacter);
