import { escapeCharacter, oneLine } from "./one-line.ts";

const escapeCode = "\u001b";
/** Bold, dim and six colours, and their ends: what the program itself paints with. Nothing of it hides text or moves the cursor. */
const painted = new RegExp(`(${escapeCode}\\[(?:1|2|22|3[1-69])m|\\n)`);

/**
 * Text as a terminal or a file may get it: its lines and the program's own colours stay, every other control is shown
 * as JSON would write it. Names that are printed within go through oneLine before, which keeps them on their line.
 */
export const terminalText = (text: string): string =>
  text
    .split(painted)
    .map((part, at) => (at % 2 === 1 ? part : oneLine(part)))
    .join("");

/** One line for a terminal, with the program's own colours. */
export const terminalLine = (text: string): string => terminalText(text).replaceAll("\n", escapeCharacter);
