/** Lints that asl-validator does not have: each returns one sentence for each error. */
import type { z } from "zod";
import { findMaximum, findUnwrittenReads, type Guards } from "./data-flow.ts";
import { listEdges, listEntries, type MachineDefinition, type StateDefinition } from "./parse-definition.ts";

export type LintContext = {
  readonly input: z.ZodType;
  readonly contracts: Readonly<
    Record<string, { readonly input: z.ZodObject | undefined; readonly output: z.ZodType }>
  >;
  readonly guards: Guards;
};

const states = (machine: MachineDefinition) => Object.entries(machine.States);
const tasks = (machine: MachineDefinition) => states(machine).filter(([, { Type }]) => Type === "Task");
/** Longer waits overflow Node's timers, which the embedded engine runs on. */
const longestSeconds = 2_147_483;
const shortestPoll = 60;

const findReachable = (
  machine: MachineDefinition,
  from: string,
  passes: (name: string) => boolean = () => true,
): Set<string> => {
  const seen = new Set<string>();
  const go = (name: string): void => {
    for (const { to } of listEdges(machine.States[name] ?? { Type: "" }))
      if (!seen.has(to) && passes(to)) {
        seen.add(to);
        go(to);
      }
  };
  go(from);
  return seen;
};

/** A state in which a loop waits: for the manifest's duration, or for a person's decision. */
const takesTime = ({ Type, Seconds, SecondsPath, Resource }: StateDefinition) =>
  (Type === "Wait" && (SecondsPath !== undefined || (Seconds ?? 0) >= shortestPoll)) ||
  Resource?.endsWith(".waitForTaskToken") === true;

/** The event of a task, without the wrapper of its service integration. */
const getTaskEvent = ({ Parameters = {} }: StateDefinition): object =>
  typeof Parameters.Payload === "object" && Parameters.Payload !== null ? Parameters.Payload : Parameters;

export const definitionLints: Readonly<
  Record<string, (machine: MachineDefinition, known: LintContext) => string[]>
> = {
  "every Task has a time-out": (machine) =>
    tasks(machine)
      .filter(([, state]) => state.TimeoutSeconds === undefined && state.TimeoutSecondsPath === undefined)
      .map(([name]) => `${name} may run for ever`),

  "every Task has a Retry": (machine) =>
    tasks(machine)
      .filter(([, { Retry }]) => !Retry?.length)
      .map(([name]) => `${name} gives up at the first fault`),

  "every Task catches all, last and alone": (machine) =>
    tasks(machine).flatMap(([name, { Catch = [] }]) => {
      const all = Catch.filter(({ ErrorEquals }) => ErrorEquals.includes("States.ALL"));
      const last = Catch.at(-1);
      return all.length === 1 && all[0] === last && last?.ErrorEquals.length === 1
        ? []
        : [`${name} does not catch States.ALL last and alone`];
    }),

  "a caught fault is written beside the data": (machine) =>
    tasks(machine).flatMap(([name, { Catch = [] }]) =>
      Catch.filter(({ ResultPath }) => !/^\$\.\w+$/.test(ResultPath ?? "")).map(
        ({ Next }) => `${name} loses its data on the way to ${Next}`,
      ),
    ),

  "states stay within what every engine runs": (machine) =>
    states(machine)
      .filter(([, { Type }]) => !["Task", "Choice", "Wait", "Pass", "Succeed", "Fail"].includes(Type))
      .map(([name, { Type }]) => `${name} is a ${Type}`),

  "a path stands under a key that ends in .$": (machine) =>
    states(machine).flatMap(([name, { Parameters, ResultSelector, Result }]) =>
      listEntries([Parameters, ResultSelector, Result])
        .filter(([key, value]) => typeof value === "string" && value.startsWith("$") !== key.endsWith(".$"))
        .map(([key]) => `${name} has ${key} as text instead of what lies there`),
    ),

  "every path read is written on every way": (machine, { input, contracts, guards }) =>
    findUnwrittenReads(machine, input, contracts, guards),

  "every Choice has a Default": (machine) =>
    states(machine)
      .filter(([, { Type, Default }]) => Type === "Choice" && Default === undefined)
      .map(([name]) => `${name} may match nothing`),

  "no Choice goes forward by default": (machine) => {
    const back = (name: string) => name === "RollBack" || name === "ReportOutcome";
    return states(machine)
      .filter(([, { Type }]) => Type === "Choice")
      .flatMap(([name, { Default = "" }]) => {
        const ways = [Default, ...(back(Default) ? [] : findReachable(machine, Default, (to) => !back(to)))];
        return ways
          .filter((to) => ["Task", "Wait", "Succeed"].includes(machine.States[to]?.Type ?? "") && !back(to))
          .map((to) => `${name} goes on to ${to} whatever a step says`);
      });
  },

  "every state can be reached": (machine) => {
    const seen = findReachable(machine, machine.StartAt).add(machine.StartAt);
    return states(machine)
      .filter(([name]) => !seen.has(name))
      .map(([name]) => `${name} is never entered`);
  },

  "every way ends in Succeed or Fail": (machine) =>
    states(machine).flatMap(([name, { Type, End }]) => {
      const isEnd = Type === "Succeed" || Type === "Fail";
      if (isEnd) return [];
      const ends = [...findReachable(machine, name)].some((to) =>
        ["Succeed", "Fail"].includes(machine.States[to]?.Type ?? ""),
      );
      return ends && End !== true ? [] : [`${name} comes to no Succeed or Fail`];
    }),

  "a loop takes a minute or more": (machine) => {
    const isFast = (name: string) => {
      const state = machine.States[name];
      return state !== undefined && !takesTime(state);
    };
    return states(machine)
      .filter(([name]) => isFast(name) && findReachable(machine, name, isFast).has(name))
      .map(([name]) => `${name} goes round without a wait`);
  },

  "no wait overflows a timer": (machine, { input, contracts }) =>
    states(machine).flatMap(
      ([name, { Seconds = 0, TimeoutSeconds = 0, SecondsPath, TimeoutSecondsPath }]) => {
        const path = SecondsPath ?? TimeoutSecondsPath;
        const longest = Math.max(
          Seconds,
          TimeoutSeconds,
          path === undefined ? 0 : findMaximum(machine, input, contracts, name, path),
        );
        return longest > longestSeconds ? [`${name} may wait ${longest} s`] : [];
      },
    ),

  "a Task's Parameters are its contract's fields": (machine, { contracts }) =>
    tasks(machine).flatMap(([name, state]) => {
      if (!(name in contracts)) return [`${name} has no contract`];
      const contract = contracts[name]?.input;
      if (!contract) return [];
      const passed = Object.keys(getTaskEvent(state)).map((key) => key.replace(/\.\$$/, ""));
      const wanted = Object.keys(contract.shape);
      return [
        ...passed
          .filter((key) => !wanted.includes(key))
          .map((key) => `${name} gives ${key}, which nobody asked for`),
        ...wanted.filter((key) => !passed.includes(key)).map((key) => `${name} does not give ${key}`),
      ];
    }),

  "a Task's result lies at its name": (machine) =>
    tasks(machine)
      .filter(([name, { ResultPath }]) => ResultPath !== `$.${name}`)
      .map(([name]) => `${name} gives its result elsewhere`),
};
