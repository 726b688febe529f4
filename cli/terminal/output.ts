// What people and programs see: messages and progress on stderr, results on stdout.
import { randomInt } from "node:crypto";
import { closeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { isatty } from "node:tty";
import { styleText } from "node:util";
import { shellWord } from "@innerloop/runtime/files";
import type { MultiBar, SingleBar } from "cli-progress";
import { textWidth, widthOf, wrapped } from "./layout.ts";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Styled where stderr shows it (a terminal with colours, unless NO_COLOR is set; FORCE_COLOR overrules). */
export const style = (name: Style, text: string): string => styledFor(process.stderr, name, text);

/** Styled where stdout shows it. */
export const resultStyle = (name: Style, text: string): string => styledFor(process.stdout, name, text);

/** Tells styles that are set here from any that come in with a label or a name: no file can know the number. */
const mark = String(randomInt(1_000, 10_000));
const esc = "\u001b";
const marked = new RegExp(`${esc}\\[(\\d+);${mark}m`, "g");
const unmarked = new RegExp(`${esc}\\[(\\d+)m`, "g");
const marksAndControls = new RegExp(`${marked.source}|[^\\P{Cc}\\n\\t]|[\\p{Bidi_C}\\u2028\\u2029]`, "gu");

/** A text in which nothing moves the cursor, sets a title, a style of its own or a direction. */
const tamed = (text: string): string =>
  text.replace(marksAndControls, (match) => (match.length > 1 ? match : "\ufffd"));

/** A text as a terminal gets it. */
const shown = (text: string): string => tamed(text).replace(marked, "\u001b[$1m");

const styledFor = (stream: NodeJS.WriteStream, name: Style, text: string): string =>
  styleText(name, tamed(text), { stream }).replace(unmarked, `\u001b[$1;${mark}m`);

/** Streams that take nothing any more; what is said to them is left out, and the work goes on. */
const gone = new Set<NodeJS.WriteStream>();

/** Why a result could not be handed over, where its reader has not just left. */
let lost: Error | undefined;

/** A reader that has left (`| head`), or a terminal that was closed. */
const hasLeft = ({ code }: NodeJS.ErrnoException): boolean =>
  code === "EPIPE" || code === "EIO" || code === "ENXIO" || code === "ERR_STREAM_DESTROYED";

/** Those of stdin, stdout and stderr that are terminals. */
const terminals = (): number[] => [0, 1, 2].filter((fd) => isatty(fd));

/**
 * From now on, no stream that fails ends the process.
 * @returns what is to be called at the end: Node then sets its terminals back, and aborts where one has been closed
 */
export function watchStreams(): () => void {
  const before = terminals();
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => failed(stream, error));
  return () => {
    const now = terminals();
    for (const fd of before.filter((fd) => !now.includes(fd))) closeSync(fd);
  };
}

function failed(stream: NodeJS.WriteStream, error: NodeJS.ErrnoException): void {
  gone.add(stream);
  if (stream === process.stdout && !hasLeft(error)) lost ??= error;
}

function write(stream: NodeJS.WriteStream, text: string): void {
  if (gone.has(stream)) return;
  try {
    stream.write(text);
  } catch (error) {
    failed(stream, error as NodeJS.ErrnoException);
  }
}

/** Waits until the results are written. @returns why they were not, if so */
export async function resultsWritten(): Promise<Error | undefined> {
  if (!gone.has(process.stdout)) await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  // An error of the last write is told in the turn after it.
  await setImmediate();
  return lost;
}

/** On a terminal, long lines break between words, under what they belong to; elsewhere they stay as they are, for programs. */
const fitted = (stream: NodeJS.WriteStream, text: string, hang = 0): string =>
  stream.isTTY ? wrapped(shown(text), widthOf(stream), hang) : shown(text);

/** A message. @param hang columns by which further lines of a broken one are indented */
export function say(text = "", hang = 0): void {
  write(process.stderr, `${fitted(process.stderr, text, hang)}\n`);
}

/** A result. */
export function print(text = ""): void {
  write(process.stdout, `${fitted(process.stdout, text)}\n`);
}

/** A result that stays as it is: for programs, or laid out already. */
export function printAsIs(text: string): void {
  write(process.stdout, `${shown(text)}\n`);
}

/** A result for programs. */
export function printJson(value: unknown): void {
  const code = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  printAsIs(JSON.stringify(value, null, 2).replace(marksAndControls, code));
}

/** How wide results may be: as wide as the terminal is, and of any width elsewhere. */
export const resultWidth = (): number => (process.stdout.isTTY ? widthOf(process.stdout) : Number.POSITIVE_INFINITY);

/** How the program was called, for commands to copy. */
export const program = process.env.npm_command === "exec" ? "npx innerloop" : "innerloop";

/**
 * A command to copy; the paths in it are quoted as a shell needs them.
 * @example commandLine`export ${run}`
 */
export const commandLine = (words: TemplateStringsArray, ...paths: readonly string[]): string =>
  `${program} ${words.map((word, i) => word + (i < paths.length ? shellWord(paths[i]!) : "")).join("")}`;

/** A share of 1 as `93.4 %`. */
export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

/** A mean with its 95 % interval as `93.4 ± 0.4 %`. */
export const percentWithInterval = ({ mean, ci95 }: { readonly mean: number; readonly ci95: number }): string =>
  `${(100 * mean).toFixed(1)} ± ${(100 * ci95).toFixed(1)} %`;

/** A small number as `3.1e-7`. */
export const tiny = (value: number): string => (value === 0 ? "0" : value.toExponential(1));

/** Seconds as `2 min 5 s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Seconds as `1:05`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const tail = `${String(whole % 60).padStart(2, "0")}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** Bytes as `437 kB`. */
export const kilobytes = (bytes: number): string =>
  bytes < 1000 ? `${bytes} bytes` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

/** A bar of `width` cells for a share of 1. */
export function cells(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]!;
  return ("█".repeat(Math.floor(eighths / 8)) + partial).padEnd(width);
}

/** Shows how far some work is. */
export interface ProgressDisplay {
  /**
   * @param fraction 0 to 1
   * @param text in parts, the most important first: a narrow terminal leaves out the last ones
   */
  update(fraction: number, text: string | readonly string[]): void;
  /** A line that stays. @param hang columns by which further lines of a broken one are indented */
  log(line: string, hang?: number): void;
  stop(): void;
}

/** Seconds between two lines where there is no terminal to draw on. */
const lineSeconds = 5;

/** A bar on a terminal; elsewhere, and in continuous integration, a line every few seconds. */
export async function startProgress(title: string): Promise<ProgressDisplay> {
  const drawn = process.stderr.isTTY && process.env.TERM !== "dumb" && !/^(1|true)$/i.test(process.env.CI ?? "");
  return drawn ? barProgress(title) : lineProgress(title);
}

const gap = "  ";
const partsOf = (text: string | readonly string[]): readonly string[] => [text].flat();

function lineProgress(title: string): ProgressDisplay {
  // The first line comes after a second, so that a reader knows that something happens.
  let last = performance.now() - 1000 * (lineSeconds - 1);
  return {
    update(fraction, text) {
      if (performance.now() - last < 1000 * lineSeconds) return;
      last = performance.now();
      say(`${title}  ${percent(fraction, 0)}  ${partsOf(text).join(gap)}`);
    },
    log: say,
    stop: () => {},
  };
}

/** Cells of a bar. */
const barWidths = { most: 24, least: 8 };

/** One line of a bar, as wide as the terminal is at most: first the bar gets shorter, then the last parts go. */
function barLine(title: string, fraction: number, text: string | readonly string[], width: number): string {
  const parts = [...partsOf(text)];
  // The last column stays empty: some terminals go to the next line when it is written.
  const room = () => width - 1 - textWidth(title) - textWidth(parts.join(gap)) - 2;
  while (parts.length > 1 && room() < barWidths.least) parts.pop();
  const bar = Math.min(barWidths.most, room());
  const drawn = bar < 1 ? [] : [style("cyan", cells(fraction, bar).replaceAll(" ", "░"))];
  return [title, ...drawn, parts.join(gap)].join(" ");
}

async function barProgress(title: string): Promise<ProgressDisplay> {
  const { default: cliProgress } = await import("cli-progress");
  const width = () => process.stderr.columns || 80;
  // The library cuts a line after as many characters as there are columns, those of styles among them; lines fit before.
  const stream: NodeJS.WriteStream = Object.create(process.stderr, { columns: { get: () => 10 * width() } });
  const bars: MultiBar = new cliProgress.MultiBar({
    stream,
    format: (_options, { progress }, { text }) => shown(barLine(title, progress, text, width())),
    hideCursor: false,
    clearOnComplete: true,
    fps: 8,
    linewrap: true,
    gracefulExit: false,
  });
  const bar: SingleBar = bars.create(1, 0, { text: "" });
  return {
    update: (fraction, text) => bar.update(fraction, { text }),
    log: (line, hang) => bars.log(`${fitted(process.stderr, line, hang)}\n`),
    stop: () => bars.stop(),
  };
}
