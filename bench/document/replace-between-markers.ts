/**
 * A Markdown document with new content between `<!-- command writes from here -->` and the next `<!-- to here -->`. Throws
 * where one of both is missing.
 */
export const replaceBetweenMarkers = (document: string, command: string, content: string): string => {
  const start = `<!-- ${command} writes from here -->`;
  const end = "<!-- to here -->";
  const from = document.indexOf(start);
  const to = from < 0 ? -1 : document.indexOf(end, from);
  if (to < 0) throw new Error(`the document has no ${start} with ${end} after it`);
  return `${document.slice(0, from + start.length)}\n\n${content}\n\n${document.slice(to)}`;
};
