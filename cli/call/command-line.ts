// The `innerloop` command: which commands there are, how a call is read, and how it ends.
import yargs, { type Argv, type Options } from "yargs";
import { described, widthOf } from "../terminal/layout.ts";
import { print, printAsIs, say } from "../terminal/output.ts";
import { version } from "../version.ts";
import { type Command, didYouMean, type Given, type Option, optionValue, short, wrongCall } from "./command.ts";
import { commands } from "./command-table.ts";
import { report } from "./errors.ts";
import { helpOf, usageOf } from "./help.ts";

/**
 * Runs a command.
 * @param args the words after `innerloop`
 * @returns the exit status: 0 done, 1 the work failed, 2 the call was wrong, 130 stopped by Ctrl-C
 */
export async function innerloop(args: readonly string[]): Promise<number> {
  try {
    const [first, ...rest] = args;
    if (first === undefined) {
      say(overview(process.stderr));
      return 2;
    }
    if (first === "--version" || first === "-v") print(version);
    else if (first === "--help" || first === "-h") printAsIs(overview(process.stdout));
    else if (first === "help" && rest[0] === undefined) printAsIs(overview(process.stdout));
    else if (first === "help") return await runCommand(await commandNamed(rest[0]!), ["--help"]);
    else return await runCommand(await commandNamed(first), rest);
    return 0;
  } catch (error) {
    return report(error);
  }
}

function overview(stream: NodeJS.WriteStream): string {
  return [
    "Usage: innerloop <command> [options]",
    "",
    described(
      [...commands].map(([name, { summary }]) => [name, summary]),
      widthOf(stream),
    ),
    "",
    "  innerloop <command> --help   tells the options of a command",
    "  innerloop --version          tells the version",
    "",
    "New here? innerloop quickstart",
  ].join("\n");
}

async function commandNamed(word: string): Promise<Command> {
  const entry = commands.get(word);
  if (entry) return entry.load();
  if (word.startsWith("-"))
    throw wrongCall(
      "unknown-option",
      `${short(word)} comes before a command; give the command first: innerloop <command> ${short(word)}.`,
    );
  const names = [...commands.keys()];
  throw wrongCall(
    "unknown-command",
    `There is no command "${short(word)}"${didYouMean(word, names) || "."} Commands: ${names.join(", ")}.`,
  );
}

const allCommands = (): Promise<Command[]> => Promise.all([...commands.values()].map((entry) => entry.load()));

/** Reads the options and arguments of a call, and does what the command does. */
async function runCommand(command: Command, given: readonly string[]): Promise<number> {
  const args = withValues(command, given);
  const words = wordsOf(args);
  if (words.some((word) => word === "--help" || word === "-h")) {
    printAsIs(await helpOf(command, args, widthOf(process.stdout)));
    return 0;
  }
  checkOptions(command, words);
  const parsed: Record<string, unknown> = await parserOf(command, args).parseAsync();
  const options: Record<string, string | number | boolean> = {};
  for (const [name, option] of Object.entries(command.options)) {
    const value = parsed[name];
    if (typeof value === "boolean") options[name] = value;
    else if (typeof value === "string") options[name] = optionValue(name, option, await pathIn(value));
  }
  const values = [parsed._, parsed["--"] ?? []].flat().map(String);
  checkArguments(command, values);
  await command.run(options as Given<Command["options"]>, await Promise.all(values.map(pathIn)), allCommands);
  return 0;
}

/** A value; the path, where it is the text of a `file:` URL. @throws InnerloopError `bad-option` */
async function pathIn(value: string): Promise<string> {
  return /^file:/i.test(value) ? (await import("@innerloop/train")).pathOf(value) : value;
}

/** Looks at the values without a name: there are enough of them, and not too many. */
function checkArguments(command: Command, values: readonly string[]): void {
  const { arguments: wanted } = command;
  const empty = values.indexOf("");
  const what = wanted[Math.min(empty, wanted.length - 1)];
  if (empty >= 0 && what) throw wrongCall("bad-call", `${what.name} is empty; ${what.what} was expected.`);
  const needed = wanted.filter(({ optional }) => !optional);
  if (values.length < needed.length)
    throw wrongCall(
      "missing-argument",
      `innerloop ${command.name} needs ${needed.map((argument) => `${argument.name} (${argument.what})`).join(" and ")}. ${tellsMore(command)}`,
    );
  if (values.length > wanted.length && !wanted.at(-1)?.many)
    throw wrongCall(
      "bad-call",
      `innerloop ${usageOf(command)}: "${short(values[wanted.length]!)}" is one argument too many. ${tellsMore(command)}`,
    );
}

/** The words before `--`, which ends options: what comes after it is values, whatever it looks like. */
function wordsOf(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}

/** The words of a call, with a value beside each option that stands alone and may. */
function withValues(command: Command, args: readonly string[]): readonly string[] {
  const end = wordsOf(args).length;
  return args.map((word, i) => {
    const alone = i < end && word.startsWith("--") ? optionNamed(command, word.slice(2))?.alone : undefined;
    const next = i + 1 < end ? args[i + 1] : undefined;
    const hasValue = next !== undefined && !/^--?[a-z]/i.test(next) && !alone?.before.test(next);
    return alone && !hasValue ? `${word}=${alone.means}` : word;
  });
}

/** Looks at every word that is meant as an option, in the order of the call, so that the first wrong one is told. */
function checkOptions(command: Command, words: readonly string[]): void {
  const seen = new Set<string>();
  for (const [i, word] of words.entries()) {
    // A number below 0 is a value, and so is what follows an option that takes one.
    if (!/^-[^\d.]/.test(word) && word !== "-" && word !== "--") continue;
    const [text = "", value] = splitOnce(word, "=");
    const name = text.replace(/^--?/, "");
    const positive = name.replace(/^no-/, "");
    const option = text.startsWith("--") ? optionNamed(command, name) : undefined;
    const negated = option === undefined && text.startsWith("--no-") ? optionNamed(command, positive) : undefined;
    if (option === undefined && !(negated && (negated.type === "switch" || negated.negatable))) {
      const known = Object.keys(command.options);
      const near = negated ? `; it takes a value: --${positive} VALUE.` : didYouMean(positive, known, "--");
      throw wrongCall(
        "unknown-option",
        `innerloop ${command.name} has no option ${short(text)}${near || "."} ${tellsMore(command)}`,
      );
    }
    if (seen.has(positive) && optionNamed(command, positive))
      throw wrongCall("bad-option", `--${positive} is given more than once; give it once.`);
    seen.add(positive);
    const takesNothing = negated !== undefined || option?.type === "switch";
    if (takesNothing && value !== undefined)
      throw wrongCall(
        "bad-option",
        `${text} takes no value, but "${short(value)}" was given; write ${text}${negated ? "" : `, or --no-${name}`}.`,
      );
    const next = words[i + 1];
    if (!takesNothing && value === undefined && (next === undefined || /^--?[a-z]/i.test(next)))
      throw wrongCall("bad-option", `${text} has no value; ${option!.what} was expected after it.`);
  }
}

const optionNamed = ({ options }: Command, name: string): Option | undefined =>
  Object.hasOwn(options, name) ? options[name] : undefined;

function splitOnce(text: string, by: string): readonly [string, string?] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}

const tellsMore = ({ name }: Command): string => `innerloop ${name} --help tells more.`;

/** What a command takes, as yargs has it. Numbers are texts to it: their errors are told by {@link optionValue}, and
 * those of words by {@link checkOptions} and {@link checkArguments}. */
function parserOf(command: Command, args: readonly string[]): Argv {
  return yargs([...args])
    .scriptName("innerloop")
    .help(false)
    .version(false)
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      throw error ?? wrongCall("bad-call", `${message}. ${tellsMore(command)}`);
    })
    .locale("en")
    .parserConfiguration({
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-positional-numbers": false,
      "parse-numbers": false,
      "populate--": true,
    })
    .options(Object.fromEntries(Object.entries(command.options).map(([name, option]) => [name, optionOf(option)])));
}

const optionOf = ({ type }: Option): Options =>
  type === "switch" ? { boolean: true } : { string: true, requiresArg: true };
