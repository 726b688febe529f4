// What makes bash, zsh and fish complete commands, options and their values: a script each, made of what the commands say of
// themselves.
import type { Command, Completion, Option } from "./command.ts";

/** A command as a shell sees it. */
interface Word {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Flag[];
  /** What its arguments are. */
  readonly argument: Values;
}

interface Flag {
  readonly name: string;
  readonly what: string;
  /** Nothing: it takes no value. */
  readonly values: Values | undefined;
}

interface Values {
  readonly words: readonly string[];
  readonly paths: boolean;
}

async function valuesOf(completes: Completion | undefined, choices: readonly string[] = []): Promise<Values> {
  if (completes === "paths" || completes === undefined) return { words: choices, paths: completes === "paths" };
  const { words, paths = false } = completes;
  return { words: [...choices, ...(typeof words === "function" ? await words() : words)], paths };
}

async function flagsOf(options: Readonly<Record<string, Option>>): Promise<Flag[]> {
  const flags = Object.entries(options).map(async ([name, { type, what, choices, completes, negatable }]) => {
    const values = type === "switch" ? undefined : await valuesOf(completes, choices);
    const off = { name: `no-${name}`, what: `not: ${what}`, values: undefined };
    return type === "switch" || negatable ? [{ name, what, values }, off] : [{ name, what, values }];
  });
  return (await Promise.all(flags)).flat();
}

/** What a shell is told of commands. */
export async function wordsOf(commands: readonly Command[]): Promise<Word[]> {
  const names = commands.map(({ name }) => name);
  const words = commands.map(async ({ name, summary, options, arguments: [argument] }) => ({
    name,
    summary,
    options: await flagsOf(options),
    argument: argument ? await valuesOf(argument.completes ?? "paths") : { words: [], paths: false },
  }));
  return [
    ...(await Promise.all(words)),
    { name: "help", summary: "show the help of a command", options: [], argument: { words: names, paths: false } },
  ];
}

export const shells = {
  bash: { script: bash, install: 'eval "$(innerloop completion bash)"', file: "~/.bashrc" },
  zsh: { script: zsh, install: 'eval "$(innerloop completion zsh)"', file: "~/.zshrc, after compinit" },
  fish: { script: fish, install: "innerloop completion fish | source", file: "~/.config/fish/config.fish" },
} as const;

/** A text as one word of a shell: in single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

// Where nothing fits, readline goes on with paths, and quotes them as it should.
function bash(words: readonly Word[]): string {
  const values = words.flatMap(({ name, options }) =>
    options.flatMap(({ name: option, values }) =>
      values && values.words.length > 0
        ? [`    ${quoted(`${name} --${option}`)}) words=${quoted(values.words.join(" "))} ;;`]
        : [],
    ),
  );
  const takesNothing = words.flatMap(({ name, options }) =>
    options.filter(({ values }) => !values).map((option) => `${name} --${option.name}`),
  );
  return `# Completion of innerloop for bash.
_innerloop() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted([...words.map(({ name }) => name), "--help", "--version"].join(" "))} -- "$current"))
    return
  fi
  case "$current" in
    -*)
      case "$command" in
${words.map(({ name, options }) => `        ${name}) words=${quoted([...options.map((option) => `--${option.name}`), "--help"].join(" "))} ;;`).join("\n")}
      esac
      COMPREPLY=($(compgen -W "$words" -- "$current"))
      return ;;
  esac
  case "$command $previous" in
${values.join("\n")}
${takesNothing.length > 0 ? `    ${takesNothing.map(quoted).join("|")}) previous= ;;` : ""}
  esac
  case "$previous" in
    --*) ;;
    *)
      case "$command" in
${words.map(({ name, argument }) => `        ${name}) words=${quoted(argument.words.join(" "))} ;;`).join("\n")}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _innerloop innerloop`;
}

function zsh(words: readonly Word[]): string {
  const plain = (text: string) => text.replaceAll(/[\\[\]:]/g, (character) => `\\${character}`);
  const action = ({ words: known, paths }: Values): string => {
    const list = known.length > 0 ? `(${known.map(plain).join(" ")})` : "";
    if (!paths) return list === "" ? " " : list;
    return list === "" ? "_files" : `{ compadd -- ${known.join(" ")}; _files }`;
  };
  const spec = ({ name, what, values }: Flag): string =>
    quoted(`--${name}[${plain(what)}]${values ? `:value:${action(values)}` : ""}`);
  const argument = ({ argument: values }: Word): string[] =>
    values.words.length > 0 || values.paths ? [quoted(`*:argument:${action(values)}`)] : [];
  return `#compdef innerloop
# Completion of innerloop for zsh.
_innerloop() {
  local -a commands
  commands=(
${words.map(({ name, summary }) => `    ${quoted(`${name}:${plain(summary)}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${words
  .map(
    (word) =>
      `    ${word.name}) _arguments ${[...word.options.map(spec), "'--help[show the options]'", ...argument(word)].join(" ")} ;;`,
  )
  .join("\n")}
  esac
}
if [ "$funcstack[1]" = "_innerloop" ]; then _innerloop "$@"; else compdef _innerloop innerloop; fi`;
}

function fish(words: readonly Word[]): string {
  // In fish, a backslash counts between single quotes, too.
  const text = (words: string) => `'${words.replaceAll(/['\\]/g, (character) => `\\${character}`)}'`;
  const of = (name: string) => `complete -c innerloop -n ${text(`__innerloop_is ${name}`)}`;
  const options = words.flatMap(({ name, options }) =>
    options.map(({ name: option, what, values }) => {
      const takes = values === undefined ? "" : values.paths ? " -r -F" : " -x";
      const known = values && values.words.length > 0 ? ` -a ${text(values.words.join(" "))}` : "";
      return `${of(name)} -l ${option}${takes}${known} -d ${text(what)}`;
    }),
  );
  const argumentsOf = words.map(({ name, argument }) => {
    const known = argument.words.length > 0 ? ` -a ${text(argument.words.join(" "))}` : "";
    return `${of(name)} ${argument.paths ? "-F" : "-f"}${known}`;
  });
  return `# Completion of innerloop for fish.
function __innerloop_is
  set -l words (commandline -opc)
  test (count $words) -gt 1; and test $words[2] = $argv[1]
end
function __innerloop_first
  test (count (commandline -opc)) -eq 1
end
complete -c innerloop -n __innerloop_first -f
${words.map(({ name, summary }) => `complete -c innerloop -n __innerloop_first -f -a ${name} -d ${text(summary)}`).join("\n")}
complete -c innerloop -n 'not __innerloop_first' -l help -d 'show the options'
${[...argumentsOf, ...options].join("\n")}`;
}
