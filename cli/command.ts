// What a command is: its words, and what it does. Values are checked here, the same way for all commands, so that a wrong
// one is told in the same words everywhere.
import { InnerloopError, suggest } from "@innerloop/schemas";

/** An option `--name`. */
export interface Option {
  /** `whole` and `number` take a number, `switch` takes nothing. */
  readonly type: "text" | "whole" | "number" | "switch";
  /** What it is, for the help. */
  readonly what: string;
  /** What it is when it is not given, for the help. */
  readonly otherwise?: string;
  /** The smallest number that it takes. */
  readonly least?: number;
  readonly choices?: readonly string[];
  /** The heading in the help that it stands under. */
  readonly group?: string;
}

/** An argument without a name. The last one may take many values. */
export interface Argument {
  readonly name: string;
  readonly what: string;
  readonly optional?: boolean;
  readonly many?: boolean;
}

type ValueOf<O extends Option> = O["type"] extends "switch" ? boolean : O["type"] extends "text" ? string : number;

/** The options that were given. */
export type Given<O extends Readonly<Record<string, Option>>> = { readonly [K in keyof O]?: ValueOf<O[K]> };

/** A command with its options. */
export interface Command<O extends Readonly<Record<string, Option>> = Readonly<Record<string, Option>>> {
  readonly name: string;
  readonly summary: string;
  /** More for the help, which takes a moment to find out. */
  notes?(): Promise<string>;
  readonly arguments: readonly Argument[];
  readonly options: O;
  readonly examples: readonly (readonly [command: string, what: string])[];
  /**
   * Does the work.
   * @param args the values of the arguments, in order
   * @throws InnerloopError with the exit status of the command
   */
  run(options: Given<O>, args: readonly string[]): Promise<void>;
}

/** A command; its type says which options there are. */
export const defineCommand = <const O extends Readonly<Record<string, Option>>>(command: Command<O>): Command =>
  command as unknown as Command;

/** An error in the call. */
export const wrongCall = (code: string, message: string): InnerloopError =>
  new InnerloopError(code, message, { exitStatus: 2 });

/** ` (did you mean …?)`, where something known is near. */
export function didYouMean(word: string, known: readonly string[], dashes = ""): string {
  const near = suggest(word, known);
  return near === undefined ? "" : `; did you mean ${dashes}${near}?`;
}

/**
 * The value of an option from its text.
 * @throws InnerloopError `bad-option` (status 2)
 */
export function optionValue(name: string, option: Option, text: string): string | number {
  const { type, choices, least } = option;
  if (type === "text") {
    if (text === "") throw wrongCall("bad-option", `--${name} is empty; ${option.what} was expected.`);
    if (choices && !choices.includes(text))
      throw wrongCall(
        "bad-option",
        `--${name} is "${text}"; one of ${choices.join(", ")} was expected${didYouMean(text, choices) || "."}`,
      );
    return text;
  }
  const value = Number(text);
  const fits = text.trim() !== "" && (type === "whole" ? Number.isSafeInteger(value) : Number.isFinite(value));
  if (!fits || value < (least ?? Number.NEGATIVE_INFINITY))
    throw wrongCall(
      "bad-option",
      `--${name} is "${text}"; a ${type === "whole" ? "whole number" : "number"}${least === undefined ? "" : ` from ${least}`} was expected.`,
    );
  return value;
}

/** The value of an option that the command cannot do without. */
export function needed<T>(value: T | undefined, command: string, name: string, what: string): T {
  if (value !== undefined) return value;
  throw wrongCall("missing-option", `innerloop ${command} needs --${name}: ${what}.`);
}
