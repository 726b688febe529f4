// How often each class was told right over all episodes: the confusion matrix, and how much of an accuracy hangs on the
// classes that happened to be there.
import { metrics } from "@innerloop/train";
import type { ClusterInterval } from "../estimate.ts";
import type { BundleEvaluation } from "./evaluation.ts";

/** The most labels of a confusion matrix. */
const largestConfusion = 64;

/** Counts `matrix[true][predicted]` of an episode. */
type Matrix = readonly (readonly number[])[];

/** Counts by class name. */
export class ClassCounts {
  readonly #confusion = new Map<string, Map<string, number>>();
  readonly #tallies = new Map<string, { right: number; of: number }>();

  /**
   * Adds an episode.
   * @param classes the name of each label
   * @param all how many classes there are to draw episodes from; all of them in each make a confusion matrix
   */
  add(classes: readonly string[], matrix: Matrix, all: number): void {
    for (const [label, name] of classes.entries()) {
      const tally = this.#tallies.get(name) ?? { right: 0, of: 0 };
      this.#tallies.set(name, tally);
      tally.right += matrix[label]![label]!;
      tally.of += matrix[label]!.reduce((a, b) => a + b, 0);
    }
    if (matrix.length <= largestConfusion && classes.length > 0 && all === matrix.length)
      this.#addConfusion(classes, matrix);
  }

  #addConfusion(classes: readonly string[], matrix: Matrix): void {
    for (const [i, row] of matrix.entries()) {
      const counts = this.#confusion.get(classes[i]!) ?? new Map<string, number>();
      for (const [j, count] of row.entries()) counts.set(classes[j]!, (counts.get(classes[j]!) ?? 0) + count);
      this.#confusion.set(classes[i]!, counts);
    }
  }

  /** The confusion matrix, where all episodes had the same classes. */
  confusion(): BundleEvaluation["confusion"] {
    const labels = [...this.#confusion.keys()].sort();
    if (labels.length === 0) return undefined;
    const matrix = labels.map((label) => labels.map((other) => this.#confusion.get(label)?.get(other) ?? 0));
    return { labels, matrix };
  }

  /** The intervals over classes, a turned one with its original, and over groups, where classes come in several. */
  intervals(): NonNullable<BundleEvaluation["over"]> {
    const unturned = (name: string) => name.replace(/@\d+$/, "");
    const classes = this.#intervalOver(unturned);
    const grouped = [...this.#tallies.keys()].every((name) => name.includes("/"));
    const groups = grouped ? this.#intervalOver((name) => name.slice(0, name.lastIndexOf("/"))) : undefined;
    const several = groups && groups.count < classes!.count;
    return { ...(classes && { classes }), ...(several && { groups }) };
  }

  #intervalOver(clusterOf: (name: string) => string): ClusterInterval | undefined {
    const clusters = new Map<string, { right: number; of: number }>();
    for (const [name, { right, of }] of this.#tallies) {
      const { right: before, of: all } = clusters.get(clusterOf(name)) ?? { right: 0, of: 0 };
      clusters.set(clusterOf(name), { right: before + right, of: all + of });
    }
    const ci95 = metrics.clusterInterval([...clusters.values()]);
    return ci95 === undefined ? undefined : { count: clusters.size, ci95 };
  }
}
