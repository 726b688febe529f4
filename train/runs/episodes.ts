// Which episodes a run sees: of each iteration, of its validations, and those that its export is verified on.
import { setImmediate } from "node:timers/promises";
import type { RunConfig } from "@innerloop/schemas";
import { heads } from "../algorithms/index.ts";
import { augmented, type Episode, type EpisodeShape, shifted, type TaskSource } from "../data/index.ts";
import { checkClasses, heldBackEpisodes, queriesOf } from "./held-back.ts";

/** Streams of episodes that never meet: training, validation, verification, and evaluation by whoever asks. */
const streams = { training: 1, validation: 2, verification: 3 };

const seedOf = ({ seed }: RunConfig, stream: keyof typeof streams): number => seed * 4 + streams[stream];

/** Classes of a training task, which a learned head has as outputs. */
export const trainingWaysOf = ({ ways, trainingWays = ways }: RunConfig): number => Math.max(ways, trainingWays);

/** Validation episode number `index` of a run, for whoever compares something else on them as well. */
export function validationEpisode(tasks: TaskSource, config: RunConfig, index: number): Episode {
  const { split, shape } = heldBackEpisodes(tasks, config);
  return tasks.episode(split, seedOf(config, "validation"), index, shape);
}

/** How many episodes an export is verified on, and queries of each class in them. */
export const verification = { episodes: 10, queries: 3 };

/** Fresh episodes of held-back classes. */
export function verificationEpisodes(tasks: TaskSource, config: RunConfig): Episode[] {
  const { split, shape } = heldBackEpisodes(tasks, { ...config, queries: verification.queries });
  const seed = seedOf(config, "verification");
  return Array.from({ length: verification.episodes }, (_, i) => tasks.episode(split, seed, i, shape));
}

/**
 * How large the tasks of training are. A head of any number of classes may train on fewer than `trainingWays`, and one that starts
 * from a bundle on fewer than `ways`, where there are no more.
 * @throws InnerloopError `too-few-classes` (status 2)
 */
function trainingShape(tasks: TaskSource, config: RunConfig): EpisodeShape {
  const { shots, queries } = config;
  if (tasks.kind === "regression") return { ways: 1, shots, queries };
  const wanted = trainingWaysOf(config);
  const there = tasks.classCount("train");
  const least = heads.named(config.head).learned ? wanted : config.from === undefined ? config.ways : 2;
  checkClasses(tasks, config, least);
  return { ways: Math.min(wanted, there), shots, queries: queriesOf(tasks, "train", config) };
}

/** The episodes of a run. Number i of an iteration is the same whenever it is drawn. */
export class RunEpisodes {
  /** Those of every validation. */
  readonly validation: readonly Episode[];
  /** One as training has them, for their size. */
  readonly first: Episode;
  readonly #config: RunConfig;
  readonly #source: TaskSource;
  readonly #shape: EpisodeShape;

  private constructor(
    config: RunConfig,
    source: TaskSource,
    shape: EpisodeShape,
    first: Episode,
    validation: readonly Episode[],
  ) {
    this.#config = config;
    this.#source = source;
    this.#shape = shape;
    this.first = first;
    this.validation = validation;
  }

  /** @throws InnerloopError what drawing one for training, or those for validation, throws */
  static async of(config: RunConfig, tasks: TaskSource): Promise<RunEpisodes> {
    const shape = trainingShape(tasks, config);
    const source = trainingSource(config, tasks);
    const first = source.episode("train", config.seed, 0, shape);
    const validation = await drawEach(config.validation.episodes, (i) => validationEpisode(tasks, config, i));
    return new RunEpisodes(config, source, shape, first, validation);
  }

  /** The tasks of an iteration. */
  batch(iteration: number): Promise<Episode[]> {
    const [size, seed] = [this.#config.metaBatch, seedOf(this.#config, "training")];
    return drawEach(size, (i) => this.#source.episode("train", seed, iteration * size + i, this.#shape));
  }
}

/**
 * What training draws from: examples augmented and some tasks shifted, where the config says so. What a regression answers would
 * shift along.
 */
function trainingSource({ augment, shifts }: RunConfig, tasks: TaskSource): TaskSource {
  if (tasks.kind !== "classification") return tasks;
  const varied = augment ? augmented(tasks, augment) : tasks;
  return shifts && shifts.share > 0 ? shifted(varied, shifts) : varied;
}

/** Milliseconds that drawing takes before it gives way. */
const longestTurn = 30;

/** Draws episodes; where that takes long, signals are heard in between. */
async function drawEach(count: number, draw: (index: number) => Episode): Promise<Episode[]> {
  const episodes: Episode[] = [];
  let since = performance.now();
  for (let i = 0; i < count; i++) {
    if (performance.now() - since > longestTurn) {
      await setImmediate();
      since = performance.now();
    }
    episodes.push(draw(i));
  }
  return episodes;
}
