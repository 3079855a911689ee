/** Draws docs/delivery.md from the definition: `npm run docs:machine`. */
import { writeFileSync } from "node:fs";
import * as z from "zod";
import { defineDelivery, type StepName, stepNames } from "./delivery.ts";
import { stateContracts } from "./state-contracts.ts";

const State = z.looseObject({
  Type: z.string(),
  Resource: z.string().default(""),
  Parameters: z.looseObject({ FunctionName: z.string().optional() }).default({}),
  Result: z.unknown().optional(),
  ResultPath: z.string().optional(),
  Next: z.string().optional(),
  Default: z.string().optional(),
  Choices: z
    .array(
      z.looseObject({
        Next: z.string(),
        StringEquals: z.string().optional(),
        Variable: z.string().default(""),
      }),
    )
    .default([]),
  Catch: z.array(z.looseObject({ ErrorEquals: z.array(z.string()), Next: z.string() })).default([]),
  Seconds: z.number().optional(),
  SecondsPath: z.string().optional(),
  TimeoutSeconds: z.number().optional(),
  TimeoutSecondsPath: z.string().optional(),
});
type State = z.infer<typeof State>;
type States = Readonly<Record<string, State>>;

const functions = Object.fromEntries(stepNames.map((name) => [name, name]));
const isComplete = (named: Record<string, string>): named is Record<StepName, string> =>
  stepNames.every((name) => name in named);

/** The targets of most Tasks after an error; drawn once. */
const commonCatchTargets = ["Superseded", "Failed"];

/** How every delivery that is not promoted ends. */
const collectEndings = (states: States): Set<string> => {
  const group = new Set(["RollBack", "RollBackFailed", "MarkFailed", "NameError", "IsCommitted"]);
  for (const [name, { Type, Next }] of Object.entries(states))
    if (Type === "Pass" && Next === "RollBack") group.add(name);
  return group;
};

const drawState = (name: string, { Type, Seconds }: State): string => {
  switch (Type) {
    case "Choice":
      return `  ${name}{${name}}`;
    case "Wait":
      return `  ${name}(["${name}${Seconds === undefined ? "" : `: ${Seconds} s`}"])`;
    case "Succeed":
    case "Fail":
      return `  ${name}(((${name})))`;
    default:
      return Type === "Pass" ? `  ${name}(${name})` : `  ${name}["<b>${name}</b>"]`;
  }
};

const drawArrows = (name: string, state: State): string[] => [
  ...(state.Next ? [`  ${name} --> ${state.Next}`] : []),
  ...(state.Default ? [`  ${name} --> ${state.Default}`] : []),
  ...state.Choices.map(
    ({ Next, StringEquals, Variable }) =>
      `  ${name} -- ${StringEquals ?? Variable.split(".").at(-1) ?? ""} --> ${Next}`,
  ),
  ...state.Catch.filter(({ Next }) => !commonCatchTargets.includes(Next)).map(
    ({ ErrorEquals, Next }) =>
      `  ${name} -. ${ErrorEquals.includes("States.ALL") ? "any fault" : ErrorEquals.join(", ").replaceAll("States.", "")} .-> ${Next}`,
  ),
];

const drawDiagram = (states: States): string => {
  const endings = collectEndings(states);
  const entries = Object.entries(states);
  const inside = entries.filter(([name]) => endings.has(name));
  const outside = entries.filter(([name]) => !endings.has(name));
  return [
    "flowchart TD",
    ...outside.map(([name, state]) => drawState(name, state)),
    ...outside.filter(([, { Type }]) => Type !== "Fail").flatMap(([name, state]) => drawArrows(name, state)),
    "  anyTask[/any Task before the commit point/]",
    "  anyTask -. Superseded .-> Superseded",
    "  anyTask -. any other fault .-> Failed",
    "  subgraph endings [Everything back as it was]",
    ...inside.map(([name, state]) => `  ${drawState(name, state)}`),
    "  end",
    ...inside.flatMap(([name, state]) => drawArrows(name, state)),
  ].join("\n");
};

const describeTarget = ({ Type, Resource, Parameters, Result }: State): string => {
  if (Type === "Pass") return Result === undefined ? "" : `\`${JSON.stringify(Result)}\``;
  if (Type !== "Task") return "";
  const service = Resource.split(":::")[1];
  return [Parameters.FunctionName ?? (service === undefined ? Resource : undefined), service]
    .filter((part) => part !== undefined)
    .map((part) => `\`${part}\``)
    .join(" by ");
};
const describeTime = ({ Seconds, SecondsPath, TimeoutSeconds, TimeoutSecondsPath }: State): string => {
  const fixed = Seconds ?? TimeoutSeconds;
  return fixed === undefined ? (SecondsPath ?? TimeoutSecondsPath ?? "") : `${fixed} s`;
};

const Fields = z.looseObject({ properties: z.record(z.string(), z.unknown()).optional() });
const Shape = Fields.extend({ oneOf: z.array(Fields).default([]) });
const describeOutput = (name: string, { ResultPath = "" }: State): string => {
  const contract = Object.entries(stateContracts).find(([task]) => task === name)?.[1];
  if (!contract) return ResultPath && `\`${ResultPath}\``;
  const shape = Shape.parse(z.toJSONSchema(contract.output));
  const fields = new Set([shape, ...shape.oneOf].flatMap(({ properties = {} }) => Object.keys(properties)));
  return `\`${ResultPath}\`: ${[...fields].join(", ")}`;
};

/** The text of the page. */
export const drawDelivery = (): string => {
  if (!isComplete(functions)) throw new Error("a step has no function");
  const definition = defineDelivery({ functions, buildProject: "slipway-images" });
  const states = z.record(z.string(), State).parse(definition.States);
  const row = ([name, state]: [string, State]) =>
    `| ${name} | ${state.Type} | ${describeTarget(state)} | ${describeTime(state)} | ${describeOutput(name, state)} |`;
  return `# The delivery state machine

Made from \`statemachine/delivery.ts\` by \`npm run docs:machine\`; edits here are lost.

Rectangles are Tasks. Each is retried after a temporary error. Dotted arrows are caught errors; those that all Tasks
before the commit point (PromoteModel's last write) share are drawn once. After Promoted nothing is rolled back.

\`\`\`mermaid
${drawDiagram(states)}
\`\`\`

| state | type | runs | waits or times out after | gives |
|---|---|---|---|---|
${Object.entries(states).map(row).join("\n")}
`;
};

if (import.meta.main) writeFileSync(new URL("../docs/delivery.md", import.meta.url), drawDelivery());
