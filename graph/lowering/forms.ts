// Of several ways to compute something, the one that is likely the quickest: each says what it does, and one table says how long that
// takes.
import type { Value } from "../core/value.ts";

/** What a way to compute something does, beside what all ways of it do. */
export interface Work {
  /** Multiplications in products of matrices, in blocked convolutions, and in filters of one channel each. */
  readonly products?: number;
  readonly blocked?: number;
  readonly each?: number;
  /** Numbers moved in rows of memory, by ones, and summed by ones. */
  readonly moved?: number;
  readonly scattered?: number;
  readonly summed?: number;
  readonly nodes?: number;
}

/** One way to compute something. */
export interface Form {
  readonly name: string;
  readonly work: Work;
  make(): Value;
}

/** Nanoseconds for one of each. */
export type Rates = Readonly<Record<keyof Work, number>>;

/**
 * ONNX Runtime 1.32 on one core of a Xeon with AVX-512, over the layers of ResNet-18, MobileNetV2 and LeNet. Of the rates only the
 * ratios matter here, and these differ little between processors.
 */
export const usualRates: Rates = {
  products: 0.021,
  blocked: 0.0175,
  each: 0.35,
  moved: 0.4,
  scattered: 2.5,
  summed: 1.2,
  nodes: 2000,
};

const kinds = Object.keys(usualRates) as (keyof Work)[];

/** How long some work is likely to take, in nanoseconds. */
const durationOf = (work: Work, rates: Rates): number =>
  kinds.reduce((total, kind) => total + (work[kind] ?? 0) * rates[kind], 0);

/** Chooses one of the ways to compute something; none where there is none. */
export type Choose = (forms: readonly Form[]) => Form | undefined;

/** The form that is the quickest by some rates; the first one of equals. */
export const quickestBy =
  (rates: Rates): Choose =>
  ([first, ...others]) =>
    others.reduce(
      (best, form) => (best && durationOf(form.work, rates) < durationOf(best.work, rates) ? form : best),
      first,
    );

/** The form that is likely the quickest. */
export const quickest: Choose = quickestBy(usualRates);
