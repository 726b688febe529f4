// What `--help` shows of a command, laid out for the terminal that it is shown on: nothing is cut, and no line breaks
// inside a word or an example.

import { described, linesOf, textWidth } from "../terminal/layout.ts";
import type { Argument, Command, Option } from "./command.ts";

/** How a command is called: `predict <BUNDLE> <INPUT..>`. */
export const usageOf = (command: Command): string => [command.name, ...command.arguments.map(pattern)].join(" ");

const pattern = ({ name, optional = false, many = false }: Argument): string => {
  const inside = many ? `${name}..` : name;
  return optional ? `[${inside}]` : `<${inside}>`;
};

/**
 * The help of a command.
 * @param args the other words of the call, on which defaults may depend
 */
export async function helpOf(command: Command, args: readonly string[], width: number): Promise<string> {
  const defaults = (await command.defaults?.(args)) ?? {};
  const options = Object.entries(command.options).map(([name, option]) => ({
    group: option.group ?? "Options",
    row: [`    --${name}`, whatOf(option, defaults[name] ?? option.otherwise)] as const,
  }));
  const groups = new Map<string, (readonly [string, string])[]>();
  for (const { group, row } of options) groups.set(group, [...(groups.get(group) ?? []), row]);
  groups.set("Options", [["-h, --help", "show this"], ...(groups.get("Options") ?? [])]);
  const paragraphs = (text: string) => linesOf(text, width).join("\n");
  return [
    `innerloop ${usageOf(command)} [options]`,
    paragraphs(`${capitalized(command.summary)}.`),
    ...(command.arguments.length > 0
      ? [
          described(
            command.arguments.map(({ name, what }) => [name, what]),
            width,
          ),
        ]
      : []),
    ...[...groups].map(([group, rows]) => `${group}:\n${described(rows, width)}`),
    `Examples:\n${examplesOf(command, width)}`,
    ...((await command.notes?.()) ?? []).map((note) =>
      typeof note === "string" ? paragraphs(note) : `${note.title}:\n${described(note.rows, width)}`,
    ),
  ].join("\n\n");
}

const whatOf = ({ what, choices }: Option, otherwise: string | undefined): string =>
  what + (choices ? `: ${choices.join(", ")}` : "") + (otherwise === undefined ? "" : ` [${otherwise}]`);

/** Examples stay whole, to be copied; what they do stands beside them where all fit, else below. */
function examplesOf({ examples }: Command, width: number): string {
  const calls = examples.map(([example]) => `  innerloop ${example}`);
  const column = Math.max(...calls.map(textWidth)) + 2;
  const beside = examples.every(([, what]) => column + textWidth(what) <= width);
  if (beside)
    return described(
      examples.map(([example, what]) => [`innerloop ${example}`, what]),
      width,
    );
  return examples
    .map(([, what], i) => [calls[i], ...linesOf(what, width - 6).map((line) => `      ${line}`)].join("\n"))
    .join("\n");
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
