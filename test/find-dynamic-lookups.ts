import { relative, sep } from "node:path";
import { type Node, SyntaxKind } from "typescript/unstable/ast";
import { isBinaryExpression, isCallExpression, isElementAccessExpression } from "typescript/unstable/ast/is";
import { API, type Checker, type Type, TypeFlags } from "typescript/unstable/sync";

/** Code that looks up a property by a name that is known only at run time. */
export type DynamicLookup = {
  /** Path from the repository's root, with slashes. */
  readonly file: string;
  readonly line: number;
  readonly code: string;
};

/** Whether a value of this type may be any text. Literals and unions of literals are names from the program itself. */
const isAnyText = (type: Type | undefined): boolean =>
  type !== undefined &&
  (type.isUnionType() || type.isIntersectionType()
    ? type.getTypes().some(isAnyText)
    : (type.flags & (TypeFlags.String | TypeFlags.TemplateLiteral | TypeFlags.Any | TypeFlags.Unknown)) !==
      0);

const reflectCalls = new Set(["Reflect.get", "Reflect.has", "Reflect.set"]);

/** The expression that names the property, where a node looks one up: `x[name]`, `name in x`, `Reflect.get(x, name)`. */
const getLookupName = (node: Node): Node | undefined => {
  if (isElementAccessExpression(node)) return node.argumentExpression;
  if (isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.InKeyword) return node.left;
  if (isCallExpression(node) && reflectCalls.has(node.expression.getText())) return node.arguments[1];
  return undefined;
};

const findLookups = (checker: Checker, root: Node): readonly Node[] => {
  const lookups: { readonly node: Node; readonly name: Node }[] = [];
  const visit = (node: Node): void => {
    const name = getLookupName(node);
    if (name) lookups.push({ node, name });
    node.forEachChild(visit);
  };
  visit(root);
  if (lookups.length === 0) return [];
  const types = checker.getTypeAtLocation(lookups.map(({ name }) => name));
  return lookups.flatMap(({ node }, index) => (isAnyText(types[index]) ? [node] : []));
};

/**
 * Every lookup of a property by any text in a TypeScript project. `root`: the folder of its tsconfig.json; `includes`:
 * whether to check a file, by its path from there.
 */
export const findDynamicLookups = (
  root: string,
  includes: (file: string) => boolean,
): readonly DynamicLookup[] => {
  const api = new API({ cwd: root });
  try {
    const project = api.updateSnapshot({ openProjects: [`${root}tsconfig.json`] }).getProjects()[0];
    if (!project) throw new Error(`${root}tsconfig.json is not a TypeScript project`);
    return project.rootFiles.flatMap((path) => {
      const file = relative(root, path).split(sep).join("/");
      if (!includes(file)) return [];
      const source = project.program.getSourceFile(path);
      if (!source) throw new Error(`${file} is not in the program of ${root}tsconfig.json`);
      return findLookups(project.checker, source).map((node) => ({
        file,
        line: source.text.slice(0, node.getStart()).split("\n").length,
        code: node.getText().replace(/\s+/g, " "),
      }));
    });
  } finally {
    api.close();
  }
};
