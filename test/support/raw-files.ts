// Data as people have them, in files: pictures, recordings of sensors and of sound, a table. Made here, the same every time, for
// tests that go from raw files to a bundle.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Random, random } from "@innerloop/train";
import sharp from "sharp";
import { wav } from "./wav.ts";

/** Which classes, by number, and how many examples of each; other `from` are other examples of the same classes. */
export interface Made {
  readonly classes: readonly number[];
  readonly examples: number;
  readonly from?: number;
}

const streams = { pictures: 1, gestures: 2, sounds: 3, rows: 4 };
type Stream = keyof typeof streams;

/** What a class is, and how an example of it differs from others. */
const classRandom = (stream: Stream, which: number): Random => random(streams[stream], which, 0);
const exampleRandom = (stream: Stream, which: number, example: number): Random =>
  random(streams[stream], which, 1 + example);

const numbersFrom = ({ examples, from = 0 }: Made): number[] => Array.from({ length: examples }, (_, i) => from + i);

/** A folder a class, a file an example. */
async function write(
  place: string,
  made: Made,
  { named, ending }: { readonly named: string; readonly ending: string },
  example: (which: number, number: number) => Uint8Array | string | Promise<Uint8Array>,
): Promise<void> {
  for (const which of made.classes) {
    const folder = join(place, `${named} ${which}`);
    mkdirSync(folder, { recursive: true });
    for (const number of numbersFrom(made))
      writeFileSync(join(folder, `${number}.${ending}`), await example(which, number));
  }
}

/** Pictures of 48×48 in colour: classes differ in the colours of a shape and of what is behind it. */
export const writePictures = (place: string, made: Made): Promise<void> =>
  write(place, made, { named: "thing", ending: "png" }, (which, number) => {
    const [what, how] = [classRandom("pictures", which), exampleRandom("pictures", which, number)];
    const colour = () => `hsl(${360 * what.uniform()} ${40 + 50 * what.uniform()}% ${30 + 40 * what.uniform()}%)`;
    const [behind, shape] = [colour(), colour()];
    const [width, height] = [10 + 14 * what.uniform(), 10 + 14 * what.uniform()];
    const [x, y, turn] = [24 + 5 * how.normal(), 24 + 5 * how.normal(), 30 * how.normal()];
    const form =
      what.uniform() < 0.5
        ? `<ellipse rx="${width}" ry="${height}"/>`
        : `<rect x="${-width / 1.2}" y="${-height / 1.2}" width="${width * 1.7}" height="${height * 1.7}"/>`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"><rect width="48" height="48" fill="${behind}"/>
      <g fill="${shape}" transform="translate(${x} ${y}) rotate(${turn})">${form}</g></svg>`;
    return sharp(Buffer.from(svg))
      .modulate({ brightness: 0.8 + 0.4 * how.uniform() })
      .png()
      .toBuffer();
  });

/** Recordings of 100 samples at 50 Hz of three axes: a few slow waves that are the class's own, faster or slower, and gravity. */
export const writeGestures = (place: string, made: Made): Promise<void> =>
  write(place, made, { named: "gesture", ending: "csv" }, (which, number) => {
    const [what, how] = [classRandom("gestures", which), exampleRandom("gestures", which, number)];
    const waves = [0, 1, 2].map(() =>
      [1, 2, 3, 4].map((rate) => ({ rate, size: (3 * what.normal()) / rate, phase: 2 * Math.PI * what.uniform() })),
    );
    const [speed, late, strong] = [0.85 + 0.3 * how.uniform(), 0.1 * how.normal(), 0.7 + 0.6 * how.uniform()];
    const lines = Array.from({ length: 100 }, (_, i) => {
      const t = (speed * i) / 100 + late;
      const axes = waves.map(
        (parts, axis) =>
          (axis === 2 ? 9.81 : 0) +
          strong *
            parts.reduce((sum, { rate, size, phase }) => sum + size * Math.sin(2 * Math.PI * rate * t + phase), 0) +
          0.3 * how.normal(),
      );
      return [(i / 50).toFixed(2), ...axes.map((axis) => axis.toFixed(3))].join(",");
    });
    return `t,x,y,z\n${lines.join("\n")}\n`;
  });

/** Sounds of half a second at 8 kHz, WAV of 16 bits: three tones one after the other that are the class's own. */
export const writeSounds = (place: string, made: Made): Promise<void> =>
  write(place, made, { named: "word", ending: "wav" }, (which, number) => {
    const [what, how] = [classRandom("sounds", which), exampleRandom("sounds", which, number)];
    const tones = [0, 1, 2].map(() => ({ pitch: 300 * 2 ** (3 * what.uniform()), second: 1.3 + what.uniform() }));
    const [high, late, strong] = [2 ** (0.1 * how.normal()), 200 * how.uniform(), 0.2 + 0.3 * how.uniform()];
    const samples = Float32Array.from({ length: 4000 }, (_, i) => {
      const at = (3 * Math.max(0, i - late)) / 4000;
      const tone = tones[Math.min(2, Math.floor(at))]!;
      const swell = Math.sin(Math.PI * (at % 1)) ** 2;
      const wave = [1, tone.second].reduce(
        (sum, of) => sum + Math.sin((2 * Math.PI * i * of * tone.pitch * high) / 8000),
        0,
      );
      return strong * swell * wave * 0.5 + 0.003 * how.normal();
    });
    return wav(samples, 8000);
  });

/** A table in raw units, with an empty field here and there: a row an example, its class in the column `kind`. */
export function writeTable(file: string, made: Made): void {
  const rows = made.classes.flatMap((which) => {
    const what = classRandom("rows", which);
    const [weight, length, warm, load] = [what.normal(), what.normal(), what.normal(), what.normal()];
    const colour = ["red", "green", "blue"][Math.floor(3 * what.uniform())]!;
    return numbersFrom(made).map((number) => {
      const how = exampleRandom("rows", which, number);
      const near = (value: number) => value + 0.25 * how.normal();
      const fields = [
        (2e6 + 4e5 * near(weight)).toFixed(0),
        (0.004 + 5e-4 * near(length)).toFixed(6),
        how.uniform() < 0.03 ? "" : (37 + 2 * near(warm)).toFixed(1),
        (5 + near(load)).toFixed(2),
        how.uniform() < 0.1 ? "grey" : colour,
      ];
      return [...fields, `kind ${which}`].join(",");
    });
  });
  writeFileSync(file, `weight_mg,length_m,temperature,load,colour,kind\n${rows.join("\n")}\n`);
}
