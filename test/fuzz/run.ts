// Runs a target on many inputs and keeps count: what was refused by a code is well, what fails in any other way, takes
// longer than a second or several times its memory is a finding, made as small as fast-check can.
import { InnerloopError } from "@innerloop/schemas";
import fc from "fast-check";

/** A reader, or a group of calls, and what it is given. */
export interface Target {
  readonly name: string;
  /** What one input may take: bytes. A finding takes four times as much. */
  readonly memory: number;
  /** What has to be there before: files, an opened bundle. */
  readonly open: () => Promise<Opened> | Opened;
}

export interface Opened {
  readonly inputs: fc.Arbitrary<unknown>;
  /** Fails with an InnerloopError where the input is refused; a finding in any other way. */
  readonly run: (input: never) => unknown;
  /** An input as code or text, for the report. */
  readonly show?: (input: never) => string;
  readonly close?: () => Promise<unknown>;
}

export interface Finding {
  readonly seed: number;
  readonly error: string;
  readonly input: string;
}

export interface Report {
  readonly target: string;
  readonly inputs: number;
  readonly accepted: number;
  readonly findings: readonly Finding[];
  /** Milliseconds of the slowest input. */
  readonly slowest: number;
  /** By how many bytes the most hungry input raised the highest memory of the process. */
  readonly hungriest: number;
}

export interface Effort {
  readonly seed: number;
  /** Ends after so many inputs, or so many minutes. */
  readonly inputs?: number;
  readonly minutes?: number;
  /** Time and memory count: not where other work runs beside. */
  readonly measured?: boolean;
  /** Called before every input. */
  readonly onInput?: () => void;
  readonly onBatch?: (report: Report) => void;
}

const slow = 1000;
const batch = 500;
/** Further findings are the same ones over again. */
const mostFindings = 10;

/** Fuzzes a target; equal seeds give equal inputs. */
export async function fuzz(target: Target, effort: Effort): Promise<Report> {
  const {
    seed,
    inputs: most = Number.POSITIVE_INFINITY,
    minutes = Number.POSITIVE_INFINITY,
    measured = false,
  } = effort;
  const opened = await target.open();
  const { inputs, show = String } = opened;
  const run = opened.run as (input: unknown) => unknown;
  let [done, accepted, slowest, hungriest] = [0, 0, 0, 0];
  const findings = new Map<string, Finding>();
  const report = (): Report => ({
    target: target.name,
    inputs: done,
    accepted,
    findings: [...findings.values()],
    slowest,
    hungriest,
  });
  const one = async (input: unknown): Promise<void> => {
    effort.onInput?.();
    done++;
    const highest = process.resourceUsage().maxRSS;
    const start = performance.now();
    try {
      await run(input);
      accepted++;
    } catch (error) {
      if (!(error instanceof InnerloopError) || !error.code) throw error;
    } finally {
      slowest = Math.max(slowest, performance.now() - start);
    }
    const took = performance.now() - start;
    const grown = 1024 * (process.resourceUsage().maxRSS - highest);
    hungriest = Math.max(hungriest, grown);
    if (!measured) return;
    if (grown > 4 * target.memory) throw new Error(`takes ${Math.round(grown / 1e6)} MB`);
    // Once more, since the machine may have done something else meanwhile.
    if (took > slow) {
      const again = performance.now();
      await Promise.resolve(run(input)).catch(() => undefined);
      if (performance.now() - again > slow) throw new Error(`takes ${Math.round(took)} ms`);
    }
  };
  const end = performance.now() + 60_000 * minutes;
  try {
    for (let turn = 0; done < most && performance.now() < end && findings.size < mostFindings; turn++) {
      const result = await fc.check(fc.asyncProperty(inputs, one), {
        seed: (seed + turn * 7919) | 0,
        numRuns: Math.min(batch, most - done),
        interruptAfterTimeLimit: Math.max(1000, Math.min(end - performance.now(), 2 ** 31 - 1)),
      });
      if (result.failed && result.counterexample !== null) {
        const error = result.errorInstance as Error | undefined;
        const where = error?.stack?.split("\n").find((line) => /^\s+at /.test(line)) ?? "";
        findings.set(`${error?.name} ${where}`, {
          seed: seed + turn * 7919,
          error: error?.stack?.split("\n").slice(0, 8).join("\n") ?? String(error),
          input: show(result.counterexample[0] as never),
        });
      }
      effort.onBatch?.(report());
    }
  } finally {
    await opened.close?.();
  }
  return report();
}
