import { type Argument, type Expression, parseSync, Visitor } from "oxc-parser";

export type SourceNames = {
  /** The modules that a file imports, re-exports, resolves or starts as a worker, as they are written. */
  readonly imports: readonly { readonly specifier: string; readonly typeOnly: boolean }[];
  /** The names of its error classes: `override readonly name = "…"`. */
  readonly errorNames: readonly string[];
  /** The number of its lines with code, without imports and comments. */
  readonly codeLines: number;
};

const getText = (node: Expression | Argument | undefined): string | undefined => {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  if (node?.type === "TemplateLiteral" && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  return undefined;
};

/** `import.meta.<property>` */
const isImportMeta = (node: Expression | Argument | undefined, property: string): boolean =>
  node?.type === "MemberExpression" &&
  !node.computed &&
  node.object.type === "MetaProperty" &&
  node.property.name === property;

/** Counts the lines that have a character outside the spans. */
const countLinesOutside = (
  source: string,
  spans: readonly { readonly start: number; readonly end: number }[],
): number => {
  let rest = source;
  for (const { start, end } of spans)
    rest = rest.slice(0, start) + rest.slice(start, end).replace(/[^\n]/g, " ") + rest.slice(end);
  return rest.split("\n").filter((line) => line.trim() !== "").length;
};

/** Parses TypeScript or JavaScript; the extension of `path` decides which. Throws SyntaxError. */
export const parseSource = (path: string, source: string): SourceNames => {
  const { program, errors, comments } = parseSync(path, source);
  if (errors[0]) throw new SyntaxError(`${path}: ${errors[0].message}`);
  const imports: { specifier: string; typeOnly: boolean }[] = [];
  const errorNames: string[] = [];
  const add = (specifier: string | undefined, typeOnly = false): void => {
    if (specifier !== undefined) imports.push({ specifier, typeOnly });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source.value, node.importKind === "type"),
    ExportNamedDeclaration: (node) => add(node.source?.value, node.exportKind === "type"),
    ExportAllDeclaration: (node) => add(node.source.value, node.exportKind === "type"),
    TSImportType: (node) => add(node.source.value, true),
    ImportExpression: (node) => add(getText(node.source)),
    CallExpression: ({ callee, arguments: [first] }) => {
      const isRequire = callee.type === "Identifier" && callee.name === "require";
      if (isRequire || isImportMeta(callee, "resolve")) add(getText(first));
    },
    // Files that a worker or another process is started from.
    NewExpression: ({ callee, arguments: [first, second] }) => {
      if (callee.type !== "Identifier" || callee.name !== "URL" || !isImportMeta(second, "url")) return;
      const file = getText(first);
      if (file !== undefined && /\.m?[jt]s$/.test(file)) add(file);
    },
    PropertyDefinition: ({ key, override, value }) => {
      const name = value === null ? undefined : getText(value);
      if (override && key.type === "Identifier" && key.name === "name" && name !== undefined)
        errorNames.push(name);
    },
  }).visit(program);
  const importSpans = program.body.filter(({ type }) => type === "ImportDeclaration");
  return { imports, errorNames, codeLines: countLinesOutside(source, [...importSpans, ...comments]) };
};
