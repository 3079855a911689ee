/** A command of the runbook, with the configuration's value that its output goes to. */
export type RunbookCommand = {
  readonly command: string;
  /** `images.firstDigest`: the note `# → images.firstDigest` behind the command. */
  readonly outputTo?: string;
};

export type RunbookStep = {
  readonly number: number;
  /** The step's first words, in bold. */
  readonly title: string;
  readonly commands: readonly RunbookCommand[];
};

const parseCommand = (line: string): readonly RunbookCommand[] => {
  const [, text = "", note] = /^(.*?)(?:\s+#\s*(.*))?$/.exec(line.trim()) ?? [];
  if (text === "") return [];
  const outputTo = /^→ ([\w.]+)$/.exec(note ?? "")?.[1];
  return [{ command: text, ...(outputTo === undefined ? {} : { outputTo }) }];
};

/** The numbered steps of a section of a Markdown document, with the commands of their `sh` blocks, in order. */
export const readRunbook = (document: string, section: string): readonly RunbookStep[] => {
  const [, after] = document.split(`\n## ${section}\n`);
  if (after === undefined) throw new RangeError(`the document has no section ${section}`);
  const [body = ""] = after.split(/\n##+ /);
  const steps: { number: number; title: string; commands: RunbookCommand[] }[] = [];
  let inBlock = false;
  for (const line of body.split("\n")) {
    const [, number, title] = /^(\d+)\. (?:\*\*(.+?)\*\*)?/.exec(line) ?? [];
    if (/^\s*```/.test(line)) inBlock = /^\s*```sh$/.test(line);
    else if (inBlock) steps.at(-1)?.commands.push(...parseCommand(line));
    else if (number !== undefined) steps.push({ number: Number(number), title: title ?? "", commands: [] });
  }
  return steps;
};
