// What a reader of data is: one object that says all that is known of it, and opens the data.
import type { ExamplesConfig, Preprocessing } from "@innerloop/schemas";
import type { SplitRule } from "../episodes/split.ts";
import type { TaskSource } from "../episodes/task.ts";
import type { PictureContent } from "../files/content-of-pictures.ts";
import type { FileKind } from "../files/file-kind.ts";

/** Options of opening data; each reader takes the ones that concern it. */
export interface OpenTasksOptions {
  /** Characters of `train` turned by quarter turns are classes of their own. Default true. */
  readonly rotations?: boolean;
  /** Turn the classes of `val` and `test` by quarter turns, too, as some papers do. Default false. */
  readonly turnHeldBack?: boolean;
  /** How files become examples, where that is known, as from a bundle. Otherwise it is chosen, by `examples` and from the data. */
  readonly preprocessing?: Preprocessing;
  /** The preprocessing is that of a bundle whose pictures looked like this: what makes these look alike is chosen. */
  readonly like?: PictureContent;
  /** How files become examples; what it leaves open is chosen from the data. */
  readonly examples?: ExamplesConfig;
  /** How classes are split that have no split by their place. */
  readonly split?: SplitRule;
  /** Fractions of the classes that are held back, in place of what suits their number. Folder splits need none. */
  readonly heldBack?: SplitRule["heldBack"];
  /** Told after each file or row, where data are read from many. */
  onRead?(done: number, all: number): void;
}

export interface Reader {
  /** How people write it: `name`, `name:DIR` for a folder, or `name:FILE` for a file. */
  readonly spec: string;
  /** What it reads, in a line. */
  readonly summary: string;
  readonly kind: TaskSource["kind"];
  /** What its files are, where it reads examples from files as people have them. */
  readonly files?: FileKind;
  /** Whether it has characters, of which turned ones are classes unless `rotations` says no. */
  readonly rotations?: true;
  /** Its classes are split as they are published or made, and by no setting. */
  readonly ownSplits?: true;
  /** The preset where a config gives nothing but the data. */
  readonly preset?: string;
  /** What a text that is no SPEC may be meant as, for errors: "A folder of images". */
  readonly meant?: { readonly what: string; by(text: string): boolean };
  /**
   * @param place the path after the colon; the empty text where there is none
   * @throws InnerloopError with status 2 where it is missing or something else, 1 where it is there and broken
   */
  open(place: string, options: OpenTasksOptions): TaskSource | Promise<TaskSource>;
}
