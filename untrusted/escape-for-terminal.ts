import { escapeCharacter, escapeControls } from "./escape-controls.ts";

const escapeCode = "\u001b";
/** Bold, dim and six colours, and their ends: what the program itself paints with. Nothing of it hides text or moves the cursor. */
const colorSequence = new RegExp(`(${escapeCode}\\[(?:1|2|22|3[1-69])m|\\n)`);

/**
 * Text as a terminal or a file may get it: its lines and the program's own colours stay, every other control is shown
 * as JSON would write it. Names that are printed within go through escapeControls before, which keeps them on their line.
 */
export const escapeForTerminal = (text: string): string =>
  text
    .split(colorSequence)
    .map((part, at) => (at % 2 === 1 ? part : escapeControls(part)))
    .join("");

/** One line for a terminal, with the program's own colours. */
export const escapeTerminalLine = (text: string): string =>
  escapeForTerminal(text).replaceAll("\n", escapeCharacter);
