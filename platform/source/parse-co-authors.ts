import type { NamedPerson } from "./source.ts";

/**
 * Everyone that a commit's message names as `Co-authored-by:`. Each line of that form counts, anywhere in it, with
 * its continuation lines. So it finds at least what git finds (git-interpret-trailers) in the last paragraph alone.
 */
export const parseCoAuthors = (message: string): readonly NamedPerson[] => {
  const people: NamedPerson[] = [];
  const lines = message.split(/\r\n|\n|\r/);
  for (const [index, line] of lines.entries()) {
    const value = /^\s*co-authored-by\s*:(.*)$/i.exec(line)?.[1];
    if (value === undefined) continue;
    let whole = value;
    for (let next = index + 1; /^[ \t]+\S/.test(lines[next] ?? ""); next++)
      whole += ` ${lines[next]?.trim()}`;
    const name = whole.replace(/<.*$/, "").trim();
    const addresses = [...whole.matchAll(/<([^<>]*)>/g)].map(([, address = ""]) => address.trim());
    if (addresses.length === 0) people.push({ name: whole.trim(), email: whole.trim() });
    else people.push(...addresses.map((email) => ({ name, email })));
  }
  return people;
};
