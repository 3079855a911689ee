/** A state machine's definition as the lints read it. */
import { z } from "zod";

const Rule = z.looseObject({
  Next: z.string(),
  Variable: z.string().optional(),
  StringEquals: z.string().optional(),
  BooleanEquals: z.boolean().optional(),
});
export type ChoiceRule = z.infer<typeof Rule>;

const State = z.looseObject({
  Type: z.string(),
  Resource: z.string().optional(),
  Next: z.string().optional(),
  End: z.boolean().optional(),
  Default: z.string().optional(),
  Choices: z.array(Rule).optional(),
  Retry: z.array(z.looseObject({ ErrorEquals: z.array(z.string()) })).optional(),
  Catch: z
    .array(
      z.looseObject({
        ErrorEquals: z.array(z.string()),
        Next: z.string(),
        ResultPath: z.string().optional(),
      }),
    )
    .optional(),
  TimeoutSeconds: z.number().optional(),
  TimeoutSecondsPath: z.string().optional(),
  Seconds: z.number().optional(),
  SecondsPath: z.string().optional(),
  InputPath: z.string().optional(),
  ResultPath: z.string().optional(),
  Parameters: z.record(z.string(), z.unknown()).optional(),
  Result: z.unknown().optional(),
  ErrorPath: z.string().optional(),
  CausePath: z.string().optional(),
});
export type StateDefinition = z.infer<typeof State>;

const Machine = z.looseObject({ StartAt: z.string(), States: z.record(z.string(), State) });
export type MachineDefinition = z.infer<typeof Machine>;
export const parseDefinition = (definition: object): MachineDefinition => Machine.parse(definition);

export type Edge = { readonly to: string; readonly by: "next" | "choice" | "catch" };
export const listEdges = (state: StateDefinition): Edge[] => [
  ...(state.Next === undefined ? [] : [{ to: state.Next, by: "next" as const }]),
  ...(state.Choices ?? []).map(({ Next }) => ({ to: Next, by: "choice" as const })),
  ...(state.Default === undefined ? [] : [{ to: state.Default, by: "choice" as const }]),
  ...(state.Catch ?? []).map(({ Next }) => ({ to: Next, by: "catch" as const })),
];

/** Every nested value, with its key. */
export const listEntries = (value: unknown): [string, unknown][] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [
        [key, inner] as [string, unknown],
        ...listEntries(inner),
      ])
    : [];

/** The paths into the state data that a state reads; the context's (`$$.`) are the engine's. */
export const listReadPaths = (state: StateDefinition): string[] =>
  [
    ...listEntries(state.Parameters)
      .filter(([key]) => key.endsWith(".$"))
      .map(([, path]) => String(path)),
    ...(state.Choices ?? []).map(({ Variable }) => Variable),
    state.InputPath,
    state.TimeoutSecondsPath,
    state.SecondsPath,
    state.ErrorPath,
    state.CausePath,
  ].filter((path): path is string => path !== undefined && !path.startsWith("$$"));
