// The `innerloop` command: which commands there are, how a call is read, and how it ends.
import yargs, { type Argv, type Options } from "yargs";
import { type Argument, type Command, didYouMean, type Given, type Option, optionValue, wrongCall } from "./command.ts";
import { report } from "./errors.ts";
import { print, say } from "./output.ts";
import { version } from "./version.ts";

/** Where each command is; one is loaded only when it is called or asked for help. */
const commands = {
  quickstart: {
    summary: "train, export, adapt and evaluate on embedded data: about two minutes",
    load: async () => (await import("./commands/quickstart.ts")).quickstart,
  },
  train: {
    summary: "meta-train a learner",
    load: async () => (await import("./commands/train.ts")).train,
  },
  export: {
    summary: "write a run as a bundle of plain ONNX, verified",
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  eval: {
    summary: "measure a bundle on classes that it was never trained on",
    load: async () => (await import("./commands/eval.ts")).evalCommand,
  },
  adapt: {
    summary: "adapt a bundle to your own examples",
    load: async () => (await import("./commands/adapt.ts")).adapt,
  },
  predict: {
    summary: "say what inputs are",
    load: async () => (await import("./commands/predict.ts")).predict,
  },
  demo: {
    summary: "open a page to draw your own symbols, and watch a bundle learn them",
    load: async () => (await import("./commands/demo.ts")).demo,
  },
  inspect: {
    summary: "show what is in a bundle, a run or an .onnx file",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  bench: {
    summary: "measure how long a bundle takes to start, adapt and predict here",
    load: async () => (await import("./commands/bench.ts")).bench,
  },
  setup: {
    summary: "install what computes on a GPU: made aside, tried, then put to use",
    load: async () => (await import("./commands/setup.ts")).setup,
  },
  doctor: {
    summary: "show which engines and providers work here, and what to do about the others",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
} satisfies Record<string, { summary: string; load: () => Promise<Command> }>;

const names = Object.keys(commands) as (keyof typeof commands)[];

/**
 * Runs a command.
 * @param args the words after `innerloop`
 * @returns the exit status: 0 done, 1 the work failed, 2 the call was wrong, 130 stopped by Ctrl-C
 */
export async function innerloop(args: readonly string[]): Promise<number> {
  try {
    const [first, ...rest] = args;
    if (first === undefined) {
      say(overview());
      return 2;
    }
    if (first === "--version" || first === "-v") print(version);
    else if (first === "--help" || first === "-h") print(overview());
    else if (first === "help" && rest[0] === undefined) print(overview());
    else if (first === "help") return await runCommand(await commandNamed(rest[0]!), ["--help"]);
    else return await runCommand(await commandNamed(first), rest);
    return 0;
  } catch (error) {
    return report(error);
  }
}

function overview(): string {
  const width = Math.max(...names.map((name) => name.length)) + 3;
  return [
    "Usage: innerloop <command> [options]",
    "",
    ...names.map((name) => `  ${name.padEnd(width)}${commands[name].summary}`),
    "",
    "  innerloop <command> --help   tells the options of a command",
    "  innerloop --version          tells the version",
    "",
    "New here? innerloop quickstart",
  ].join("\n");
}

async function commandNamed(word: string): Promise<Command> {
  const name = names.find((it) => it === word);
  if (name !== undefined) return commands[name].load();
  if (word.startsWith("-"))
    throw wrongCall(
      "unknown-option",
      `${word} comes before a command; give the command first: innerloop <command> ${word}.`,
    );
  throw wrongCall(
    "unknown-command",
    `There is no command "${word}"${didYouMean(word, names) || "."} Commands: ${names.join(", ")}.`,
  );
}

/** Reads the options and arguments of a call, and does what the command does. */
async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg === "--help" || arg === "-h")) {
    print(await helpOf(command));
    return 0;
  }
  const parsed: Record<string, unknown> = await strictParser(command, args).parseAsync();
  const given: Record<string, string | number | boolean> = {};
  for (const [name, option] of Object.entries(command.options)) {
    const value = parsed[name];
    if (Array.isArray(value)) throw wrongCall("bad-option", `--${name} is given ${value.length} times; give it once.`);
    if (typeof value === "boolean") given[name] = value;
    else if (typeof value === "string") given[name] = optionValue(name, option, value);
  }
  const values = command.arguments.flatMap(({ name }) => (parsed[name] as string | string[] | undefined) ?? []);
  await command.run(given as Given<Command["options"]>, values);
  return 0;
}

async function helpOf(command: Command): Promise<string> {
  const width = Math.max(0, ...command.arguments.map(({ name }) => name.length));
  const values = command.arguments.map(({ name, what }) => `\n  ${name.padEnd(width)}  ${what}`).join("");
  let parser = parserOf(command, [])
    .usage(`innerloop ${usageOf(command)} [options]\n\n${capitalized(command.summary)}.${values && `\n${values}`}`)
    .option("help", { alias: "h", boolean: true, describe: "show this", group: "Options:" })
    .epilog((await command.notes?.()) ?? "")
    .wrap(Math.min(110, process.stdout.columns ?? 110));
  for (const [example, what] of command.examples) parser = parser.example(`$0 ${example}`, what);
  return parser.getHelp();
}

function strictParser(command: Command, args: readonly string[]): Argv {
  return parserOf(command, args)
    .strict()
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      if (error && error.name !== "YError") throw error;
      throw rewording(command, message ?? error.message, args);
    })
    .command(`$0 ${command.arguments.map(pattern).join(" ")}`.trim(), false, (inner) => {
      for (const { name, many = false } of command.arguments) inner.positional(name, { type: "string", array: many });
      return inner;
    });
}

/** What a command takes, as yargs has it. Numbers are texts to it: their errors are told by {@link optionValue}. */
function parserOf(command: Command, args: readonly string[]): Argv {
  // Known to yargs since 17, but not to its types.
  const parser = yargs([...args]) as Argv & { usageConfiguration(settings: { "hide-types": boolean }): Argv };
  return parser
    .usageConfiguration({ "hide-types": true })
    .scriptName("innerloop")
    .help(false)
    .version(false)
    .locale("en")
    .parserConfiguration({
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-positional-numbers": false,
      "parse-numbers": false,
    })
    .options(Object.fromEntries(Object.entries(command.options).map(([name, option]) => [name, optionOf(option)])));
}

const usageOf = (command: Command): string => [command.name, ...command.arguments.map(pattern)].join(" ");

const pattern = ({ name, optional = false, many = false }: Argument): string => {
  const inside = many ? `${name}..` : name;
  return optional ? `[${inside}]` : `<${inside}>`;
};

const optionOf = ({ type, what, otherwise, choices, group }: Option): Options => ({
  describe: what + (choices ? `: ${choices.join(", ")}` : "") + (otherwise === undefined ? "" : ` [${otherwise}]`),
  ...(type === "switch" ? { boolean: true } : { string: true, requiresArg: true }),
  ...(group ? { group } : {}),
});

/** The words of yargs for a wrong call, made concrete. */
function rewording(command: Command, message: string, args: readonly string[]): Error {
  const help = `innerloop ${command.name} --help tells more.`;
  const unknown = /^Unknown arguments?: (.*)$/s.exec(message)?.[1]?.split(", ")[0];
  if (unknown !== undefined && !args.some((arg) => /^-+/.test(arg) && arg.replace(/^-+/, "").startsWith(unknown)))
    return wrongCall("bad-call", `innerloop ${usageOf(command)}: "${unknown}" is one argument too many. ${help}`);
  if (unknown !== undefined) {
    const known = Object.keys(command.options);
    const near = didYouMean(unknown.replace(/^no-/, ""), known, "--");
    return wrongCall("unknown-option", `innerloop ${command.name} has no option --${unknown}${near || "."} ${help}`);
  }
  const valueless = /^Not enough arguments following: (\S+)/.exec(message)?.[1];
  if (valueless !== undefined) {
    const what = command.options[valueless]?.what ?? "a value";
    return wrongCall("bad-option", `--${valueless} has no value; ${what} was expected after it.`);
  }
  if (/^Not enough non-option arguments/.test(message)) {
    const missing = command.arguments.filter(({ optional }) => !optional);
    return wrongCall(
      "missing-argument",
      `innerloop ${command.name} needs ${missing.map(({ name, what }) => `${name} (${what})`).join(" and ")}. ${help}`,
    );
  }
  return wrongCall("bad-call", `${message}. ${help}`);
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
