// Procedural characters: an embedded data set, so that the first run needs no download.
import type { ImagePreprocessing } from "@innerloop/schemas";
import { turn } from "../episodes/pixels.ts";
import { PooledTasks } from "../episodes/pooled-tasks.ts";
import type { ClassPool } from "../episodes/sampling.ts";
import type { Split } from "../episodes/task.ts";
import { drawGlyph, GLYPH_SIZE } from "../made/glyphs.ts";
import { characterPreprocessing } from "./characters.ts";
import type { OpenTasksOptions, Reader } from "./reader.ts";

// Training meets its classes again and again, so their examples are drawn once and kept: 24,000 of 784 bytes. Those of
// val and test are drawn when asked for, from ids and drawers that training never sees.
const trainCharacters = 1200;
const trainDrawers = 20;
const heldBackClasses = 2 ** 20;
const heldBackDrawers = 2 ** 16;
const firstId: Record<Split, number> = { train: 0, val: 2 ** 20, test: 2 ** 21 };

/** Options of {@link Glyphs}. */
export type GlyphsOptions = Pick<OpenTasksOptions, "rotations">;

/**
 * Procedural characters, 28×28×1, ink 1 on 0.
 *
 * `train` has 4,800 classes: 1,200 characters, each upright and turned by 90°, 180° and 270° (as Santoro et al. 2016 do
 * with Omniglot) unless `rotations` is false, by 20 drawers, or as many as an episode needs. `val` and `test` have 2²⁰ upright characters each,
 * other ones, with 65,536 drawers.
 */
export class Glyphs extends PooledTasks {
  readonly name = "glyphs";
  readonly inputShape: readonly number[] = [GLYPH_SIZE, GLYPH_SIZE, 1];
  readonly preprocessing: ImagePreprocessing = characterPreprocessing(GLYPH_SIZE);

  readonly #turns: 1 | 4;
  readonly #drawn = new Map<number, Uint8Array>();

  constructor({ rotations = true }: GlyphsOptions = {}) {
    super();
    this.#turns = rotations ? 4 : 1;
  }

  protected pool(split: Split): ClassPool {
    const base = {
      title: `the ${split} split of glyphs`,
      inputShape: this.inputShape,
      classCount: split === "train" ? this.#turns * trainCharacters : heldBackClasses,
      advice: "use another split",
    };
    if (split !== "train")
      return {
        ...base,
        className: (index) => `glyph-${firstId[split] + index}`,
        exampleCount: () => heldBackDrawers,
        copy: (index, drawer, target, offset) =>
          turn(drawGlyph(firstId[split] + index, drawer), 0, GLYPH_SIZE, 1, 0, target, offset),
      };
    const turns = this.#turns;
    const quarters = (index: number) => index % turns;
    const character = (index: number) => Math.floor(index / turns);
    return {
      ...base,
      className: (index) => `glyph-${character(index)}${quarters(index) === 0 ? "" : `@${90 * quarters(index)}`}`,
      exampleCount: (_index, needed) => Math.max(trainDrawers, needed),
      copy: (index, drawer, target, offset) =>
        turn(this.#kept(character(index), drawer), 0, GLYPH_SIZE, 1, quarters(index), target, offset),
    };
  }

  #kept(id: number, drawer: number): Uint8Array {
    if (drawer >= trainDrawers) return drawGlyph(id, drawer);
    const key = id * trainDrawers + drawer;
    let glyph = this.#drawn.get(key);
    if (!glyph) {
      glyph = drawGlyph(id, drawer);
      this.#drawn.set(key, glyph);
    }
    return glyph;
  }
}

export const glyphs: Reader = {
  spec: "glyphs",
  summary: "procedural characters, as many as anyone asks for",
  kind: "classification",
  ownSplits: true,
  rotations: true,
  open: (_, options) => new Glyphs(options),
};
