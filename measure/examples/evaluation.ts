// What measuring a bundle on a person's own examples finds.
import type { ProviderName } from "@innerloop/runtime";
import type { ClusterInterval } from "../estimate.ts";
import type { Share } from "./shares.ts";

/** An example with its class. */
export interface OwnExample {
  /** What messages call it: its file, and for a table the row in it. */
  readonly name: string;
  readonly label: string;
  /** The numbers of an example as the bundle takes them. */
  readonly data: Float32Array;
}

/** A class that was taught and asked. */
export interface OwnClass {
  readonly label: string;
  /** Examples that it was taught by. */
  readonly support: number;
  /** How many of its queries were answered right. */
  readonly recall: Share;
  /** How many of the answers that name it are right. */
  readonly precision: Share;
}

/** A query that was answered wrongly. */
export interface WrongAnswer {
  readonly name: string;
  readonly label: string;
  readonly predicted: string;
  /** Of the predicted class. */
  readonly probability: number;
  /** False: it was said to be none of these. Absent where the bundle cannot tell. */
  readonly known?: boolean;
}

/** A simple way to answer from the same examples, on the same queries. */
export interface OwnBaseline {
  /** As in "better than …". */
  readonly name: string;
  readonly accuracy: Share;
  /** Queries that the bundle alone has right, and that this one alone has right. */
  readonly bundleAlone: number;
  readonly thisAlone: number;
  /** How likely it is that two equally good ways differ so much. */
  readonly p: number;
}

/** What "none of these" does with the queries. */
export interface OwnConfidence {
  /** Queries of classes that were taught which are taken for one of them. */
  readonly kept: Share;
  /** Right answers among those. */
  readonly rightOfKept: Share;
  /** Queries of other classes that are taken for one of these; absent where there are none. */
  readonly falseAccepts?: Share;
}

/** What was found. Shares have 95 % intervals over queries (Wilson). */
export interface OwnEvaluation {
  /** Of the classes that were taught, in the order of their names. */
  readonly classes: readonly OwnClass[];
  readonly support: number;
  /** Queries of classes that were taught. */
  readonly queries: number;
  /** Classes that no query is of. */
  readonly notAsked: readonly string[];
  /** Classes of queries that were not taught, and how many there are of each; what is said to them is in `confidence`. */
  readonly notTaught: readonly { readonly label: string; readonly examples: number }[];
  /** Queries that equal an example which was taught, number by number: they say nothing of new ones. */
  readonly same: readonly { readonly support: string; readonly query: string }[];
  readonly accuracy: Share;
  /** How far the accuracy may be off with other classes of the kind; absent for fewer than two. */
  readonly overClasses?: ClusterInterval;
  /** Counts `matrix[true][predicted]` in the order of `classes`. */
  readonly confusion: readonly (readonly number[])[];
  readonly wrong: readonly WrongAnswer[];
  readonly baselines: readonly OwnBaseline[];
  readonly confidence?: OwnConfidence;
  /** That what was taught is like what the bundle was trained on, or not, in words; absent where the bundle cannot tell. */
  readonly familiar?: { readonly familiar: boolean; readonly message: string };
  readonly verdict: { readonly kind: "guessing" | "worse" | "unclear" | "better"; readonly text: string };
  readonly innerSteps: number;
  readonly provider: ProviderName;
  readonly seconds: number;
}
