// What a command is: its words, and what it does. Values are checked here, the same way for all commands, so that a wrong
// one is told in the same words everywhere.
import { decimal, InnerloopError, suggest } from "@innerloop/schemas";
import { cut } from "../terminal/layout.ts";

/** What a shell completes a value with: paths, or these words and paths. */
export type Completion =
  | "paths"
  | { readonly words: readonly string[] | (() => Promise<readonly string[]>); readonly paths?: boolean };

/** An option `--name`. */
export interface Option {
  /** `whole` and `number` take a number, `switch` takes nothing. */
  readonly type: "text" | "whole" | "number" | "switch";
  /** What it is, for the help. */
  readonly what: string;
  /** What it is when it is not given, for the help. */
  readonly otherwise?: string;
  /** The smallest number that it takes, and the largest. */
  readonly least?: number;
  readonly most?: number;
  /** What it is where it stands alone, for one whose value may be left out; a word that `before` describes is none. */
  readonly alone?: { readonly means: string; readonly before: RegExp };
  /** Whether `--no-<name>` means something, where it is no switch. */
  readonly negatable?: boolean;
  readonly choices?: readonly string[];
  /** What a shell completes it with, beside `choices`: paths, or these words. */
  readonly completes?: Completion;
  /** The heading in the help that it stands under. */
  readonly group?: string;
}

/** An argument without a name. The last one may take many values. */
export interface Argument {
  readonly name: string;
  readonly what: string;
  readonly optional?: boolean;
  readonly many?: boolean;
  /** What a shell completes it with; paths unless given. */
  readonly completes?: Completion;
}

type ValueOf<O extends Option> = O["type"] extends "switch" ? boolean : O["type"] extends "text" ? string : number;

/** The options that were given. */
export type Given<O extends Readonly<Record<string, Option>>> = { readonly [K in keyof O]?: ValueOf<O[K]> };

/** A paragraph of a help, or rows under a title. */
export type Note = string | { readonly title: string; readonly rows: readonly (readonly [string, string])[] };

/** Loads every command, in the order of the help. */
export type AllCommands = () => Promise<readonly Command[]>;

/** A command with its options. */
export interface Command<O extends Readonly<Record<string, Option>> = Readonly<Record<string, Option>>> {
  readonly name: string;
  readonly summary: string;
  /** More for the help, which takes a moment to find out. */
  notes?(): Promise<readonly Note[]>;
  /** Defaults for the help that are not the same for every call. @param args the words of the call */
  defaults?(args: readonly string[]): Promise<Readonly<Record<string, string>>>;
  readonly arguments: readonly Argument[];
  readonly options: O;
  readonly examples: readonly (readonly [command: string, what: string])[];
  /**
   * Does the work.
   * @param args the values of the arguments, in order
   * @param all every command there is, for what tells of them
   * @throws InnerloopError with the exit status of the command
   */
  run(options: Given<O>, args: readonly string[], all: AllCommands): Promise<void>;
}

/** A command; its type says which options there are. */
export const defineCommand = <const O extends Readonly<Record<string, Option>>>(command: Command<O>): Command =>
  command as unknown as Command;

/** An error in the call. */
export const wrongCall = (code: string, message: string): InnerloopError =>
  new InnerloopError(code, message, { exitStatus: 2 });

/** An error in the call: an option that does nothing here. */
export const withoutEffect = (option: string, because: string, instead?: string): InnerloopError =>
  wrongCall("no-effect", `${option} has no effect here: ${because}. Leave it out${instead ? `, or ${instead}` : ""}.`);

/** What was given, for a message: no longer than a reader takes in. */
export const short = (text: string): string => cut(text, 80);

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
  const { type, choices, least, most } = option;
  const given = `--${name} is ${text === "" ? "empty" : `"${short(text)}"`}`;
  if (type === "text") {
    if (text === "") throw wrongCall("bad-option", `${given}; ${option.what} was expected.`);
    if (choices && !choices.includes(text))
      throw wrongCall(
        "bad-option",
        `${given}; one of ${choices.join(", ")} was expected${didYouMean(text, choices) || "."}`,
      );
    return text;
  }
  const value = decimal(text);
  const fits = type === "whole" ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (!fits || value < (least ?? Number.NEGATIVE_INFINITY) || value > (most ?? Number.POSITIVE_INFINITY)) {
    const range = least === undefined ? "" : ` from ${least}${most === undefined ? "" : ` to ${most}`}`;
    throw wrongCall("bad-option", `${given}; a ${type === "whole" ? "whole number" : "number"}${range} was expected.`);
  }
  return value;
}

/** The value of an option that the command cannot do without. */
export function needed<T>(value: T | undefined, command: string, name: string, what: string): T {
  if (value !== undefined) return value;
  throw wrongCall("missing-option", `innerloop ${command} needs --${name}: ${what}.`);
}
