// What people and programs see: messages and progress on stderr, results on stdout.
import { styleText } from "node:util";
import type { MultiBar, SingleBar } from "cli-progress";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Styled where stderr shows it (a terminal, unless NO_COLOR is set). */
export const style = (name: Style, text: string): string => styledFor(process.stderr, name, text);

/** Styled where stdout shows it. */
export const resultStyle = (name: Style, text: string): string => styledFor(process.stdout, name, text);

function styledFor(stream: NodeJS.WriteStream, name: Style, text: string): string {
  return stream.isTTY && !process.env.NO_COLOR ? styleText(name, text) : text;
}

/** A message. */
export function say(text = ""): void {
  process.stderr.write(`${text}\n`);
}

/** A result. */
export function print(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** A result for programs. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** How the program was called, for commands to copy. */
export const program = process.env.npm_command === "exec" ? "npx innerloop" : "innerloop";

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

/** Rows of texts with their columns aligned: the first to the left, the others to the right unless said. */
export function columns(rows: readonly (readonly string[])[], { right = true } = {}): string {
  const widths = rows.reduce<number[]>((w, row) => row.map((text, i) => Math.max(w[i] ?? 0, text.length)), []);
  const pad = (text: string, i: number) => (i > 0 && right ? text.padStart(widths[i]!) : text.padEnd(widths[i]!));
  return rows.map((row) => `  ${row.map(pad).join("   ")}`.trimEnd()).join("\n");
}

/** Shows how far some work is. */
export interface ProgressDisplay {
  /** @param fraction 0 to 1 */
  update(fraction: number, text: string): void;
  /** A line that stays. */
  log(line: string): void;
  stop(): void;
}

/** Seconds between two lines where there is no terminal to draw on. */
const lineSeconds = 5;

/** A bar on a terminal; elsewhere a line every few seconds. */
export async function startProgress(title: string): Promise<ProgressDisplay> {
  return process.stderr.isTTY ? barProgress(title) : lineProgress(title);
}

function lineProgress(title: string): ProgressDisplay {
  // The first line comes after a second, so that a reader knows that something happens.
  let last = performance.now() - 1000 * (lineSeconds - 1);
  return {
    update(fraction, text) {
      if (performance.now() - last < 1000 * lineSeconds) return;
      last = performance.now();
      say(`${title}  ${percent(fraction, 0)}  ${text}`);
    },
    log: (line) => say(line),
    stop: () => {},
  };
}

async function barProgress(title: string): Promise<ProgressDisplay> {
  const { default: cliProgress } = await import("cli-progress");
  const bars: MultiBar = new cliProgress.MultiBar({
    stream: process.stderr,
    format: (_options, { progress }, { text }) => {
      // As wide as the terminal leaves it; a narrow one cuts the end of the text.
      const width = Math.min(24, Math.max(8, (process.stderr.columns ?? 80) - title.length - text.length - 3));
      return `${title} ${style("cyan", cells(progress, width).replaceAll(" ", "░"))} ${text}`;
    },
    hideCursor: false,
    clearOnComplete: true,
    fps: 8,
    linewrap: false,
    gracefulExit: false,
  });
  const bar: SingleBar = bars.create(1, 0, { text: "" });
  return {
    update: (fraction, text) => bar.update(fraction, { text }),
    log: (line) => bars.log(`${line}\n`),
    stop: () => bars.stop(),
  };
}
