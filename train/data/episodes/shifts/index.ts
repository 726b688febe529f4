// Tasks as users have them: their data look other than the training's, and some of their labels are wrong. What differs is one world
// for a whole task, support and query alike; only labels are wrong in the support set alone.
import { InnerloopError, type Preprocessing, suggest, type Tensor } from "@innerloop/schemas";
import { type Random, random } from "../../../random.ts";
import {
  splits as allSplits,
  type Episode,
  type EpisodeShape,
  type ExampleTensors,
  type Split,
  type TaskSource,
} from "../task.ts";
import { applied, scaleOf } from "./applying.ts";
import type { ShiftFamilies } from "./family.ts";
import { numberShifts } from "./numbers.ts";
import { pictureShifts } from "./pictures.ts";
import { soundShifts } from "./sounds.ts";
import { windowShifts } from "./windows.ts";

export type { Shift, ShiftFamilies, ShiftFamily } from "./family.ts";

/** Options of {@link shifted}. */
export interface ShiftOptions {
  /** How many of the tasks are shifted, 0 to 1. Default 1. */
  readonly share?: number;
  /** Names of {@link shiftFamilies}, of which each task has one to three. Default: all that are for training. */
  readonly families?: readonly string[];
  /** How many labels of a support set are wrong in shifted tasks, at most. Default 0. */
  readonly wrongLabels?: number;
  /** How strong the shifts are, and exactly `wrongLabels` wrong; drawn for each task unless given. */
  readonly strength?: number;
  /** All of the families in every task, in place of one to three of them. */
  readonly together?: boolean;
  /** Default `train` alone, so that what is measured on others stays what it was. */
  readonly splits?: readonly Split[];
}

/** A shift for the examples of one task. */
export interface DrawnShift {
  /** What was drawn. */
  readonly families: readonly string[];
  /** Examples `[n, ...inputShape]` as they are in that world; what differs between examples goes on from call to call. */
  apply(x: Tensor): Tensor;
}

/** What a shift is drawn for. */
export interface ShiftedInput {
  /** Of one example: `[height, width, channels]`, `[length, channels]` or `[features]`. */
  readonly inputShape: readonly number[];
  /** Of pictures: where 0 and 1 are, if not at 0 and 1. */
  readonly preprocessing?: Preprocessing;
}

/** What there is for pictures, sounds, windows of samples or numbers, by the shape of one example and what it was made of. */
export function shiftFamilies(inputShape: readonly number[], preprocessing?: Preprocessing): ShiftFamilies {
  if (preprocessing?.kind === "sound") return soundShifts;
  return inputShape.length === 3 ? pictureShifts : inputShape.length === 2 ? windowShifts : numberShifts;
}

/** The names of the families that training draws from, or of the others. */
export const shiftNames = (
  inputShape: readonly number[],
  { training, preprocessing }: { readonly training: boolean; readonly preprocessing?: Preprocessing | undefined },
): string[] =>
  Object.entries(shiftFamilies(inputShape, preprocessing)).flatMap(([name, family]) =>
    family.training === training ? [name] : [],
  );

/** How many families a task has, by chance: one, two or three. */
const chances = [0.5, 0.35, 0.15];

/** The least strength that is drawn. */
const leastStrength = 0.2;

/**
 * Draws how the data of one task differ.
 *
 * @param like examples of the task, such as its support set: what an ordinary size of windows and numbers is
 * @throws InnerloopError `unknown-shift` (status 2) for a family that there is not
 */
export function drawShift(
  { inputShape, preprocessing }: ShiftedInput,
  random: Random,
  like: Tensor,
  options: Pick<ShiftOptions, "families" | "strength" | "together"> = {},
): DrawnShift {
  const names = familiesFor({ inputShape, ...(preprocessing ? { preprocessing } : {}) }, options.families);
  const known = shiftFamilies(inputShape, preprocessing);
  const chosen = options.together
    ? new Set(names)
    : new Set(random.sample(names.length, howMany(random, names.length)).map((i) => names[i]!));
  const drawn = Object.keys(known).filter((name) => chosen.has(name));
  const shifts = drawn.map((name) =>
    known[name]!.make(inputShape, options.strength ?? random.uniform(leastStrength, 1), random),
  );
  const scale = scaleOf(inputShape, preprocessing, like);
  return { families: drawn, apply: (x) => applied(x, shifts, scale, random) };
}

function howMany(random: Random, most: number): number {
  const chance = random.uniform();
  return Math.min(most, chance < chances[0]! ? 1 : chance < chances[0]! + chances[1]! ? 2 : 3);
}

function familiesFor(
  { inputShape, preprocessing }: ShiftedInput,
  given: readonly string[] | undefined,
): readonly string[] {
  if (!given) return shiftNames(inputShape, { training: true, preprocessing });
  const known = Object.keys(shiftFamilies(inputShape, preprocessing));
  for (const name of given)
    if (!known.includes(name)) {
      const near = suggest(name, known);
      throw new InnerloopError(
        "unknown-shift",
        `There is no shift "${name}" of examples [${inputShape.join(", ")}]${near ? `; did you mean "${near}"?` : ""} Shifts: ${known.join(", ")}.`,
        { exitStatus: 2 },
      );
    }
  return given;
}

/**
 * Examples of which a share have the label of another class of the task. Every class keeps one example of its own at least, so
 * of single examples none is wrong.
 *
 * @param share of the labels, 0 to 1; what is no whole number of labels is rounded by chance, so that the share is right on average
 */
export function mislabelled({ x, y }: ExampleTensors, share: number, random: Random): ExampleTensors {
  const labels = Int32Array.from(y.data as Int32Array);
  const ways = 1 + labels.reduce((most, label) => Math.max(most, label), 0);
  const own = new Array<number>(ways).fill(0);
  for (const label of labels) own[label]!++;
  let left = Math.floor(share * labels.length + random.uniform());
  for (const row of random.sample(labels.length, labels.length)) {
    const label = labels[row]!;
    if (left === 0 || ways < 2) break;
    if (own[label]! < 2) continue;
    own[label]!--;
    labels[row] = (label + 1 + random.integer(ways - 1)) % ways;
    left--;
  }
  return { x, y: { ...y, data: labels } };
}

/** A number of its own for the streams of shifts, so that an episode's own draws are what they are without them. */
const shiftStream = 0x5f1f7;

/**
 * The same tasks, of which some are shifted. Whether one is, and how, depends on its split, seed and index alone; the others are to
 * the bit what they are without this.
 *
 * @example
 * const harder = shifted(tasks, { share: 0.4 });
 * const upsideDown = shifted(tasks, { families: ["inverted"], strength: 1, splits: ["test"] });
 * @throws InnerloopError with status 2: `unknown-shift`; `bad-shift` for numbers outside 0 to 1, and for regressions, whose answers
 *   depend on what would be shifted
 */
export function shifted(tasks: TaskSource, options: ShiftOptions = {}): TaskSource {
  const { share = 1, wrongLabels = 0, strength, splits = ["train"] } = options;
  familiesFor(tasks, options.families);
  for (const [name, value] of Object.entries({ share, wrongLabels, strength: strength ?? 1 }))
    if (!(value >= 0 && value <= 1))
      throw new InnerloopError("bad-shift", `The shifts' ${name} is ${value}; a number from 0 to 1 was expected.`, {
        exitStatus: 2,
      });
  if (tasks.kind !== "classification")
    throw new InnerloopError(
      "bad-shift",
      `The data ${tasks.name} are a ${tasks.kind}, whose answers depend on what would be shifted; leave the shifts out (--no-shifts).`,
      { exitStatus: 2 },
    );
  const draw = (split: Split, seed: number, index: number, episode: Episode): Episode => {
    const rng = random(seed, allSplits.indexOf(split), index, shiftStream);
    if (rng.uniform() >= share) return episode;
    const { apply } = drawShift(tasks, rng, episode.support.x, options);
    const support = { x: apply(episode.support.x), y: episode.support.y };
    const query = { x: apply(episode.query.x), y: episode.query.y };
    const wrong = strength === undefined ? wrongLabels * rng.uniform() : wrongLabels;
    return { ...episode, support: wrong > 0 ? mislabelled(support, wrong, rng) : support, query };
  };
  return {
    name: tasks.name,
    kind: tasks.kind,
    inputShape: tasks.inputShape,
    ...(tasks.outputSize === undefined ? {} : { outputSize: tasks.outputSize }),
    ...(tasks.preprocessing === undefined ? {} : { preprocessing: tasks.preprocessing }),
    classCount: (split) => tasks.classCount(split),
    episode(split: Split, seed: number, index: number, shape: EpisodeShape): Episode {
      const episode = tasks.episode(split, seed, index, shape);
      return splits.includes(split) ? draw(split, seed, index, episode) : episode;
    },
  };
}
