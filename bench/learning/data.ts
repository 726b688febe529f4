// The images that the peer trains on and the episodes that both are measured on, in files.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { InnerloopError, sizeOf } from "@innerloop/schemas";
import { openTasks, type TaskSource } from "@innerloop/train";

/** Data that have their classes in memory. */
interface Pooled extends TaskSource {
  classes(split: "train", most: number): readonly { readonly examples: number }[];
  example(split: "train", classIndex: number, index: number): Float32Array;
}

const isPooled = (tasks: TaskSource): tasks is Pooled => "classes" in tasks && "example" in tasks;

const shape = { ways: 5, shots: 1, queries: 15 };
/** Of each training class. */
const mostExamples = 20;

const bytesOf = (values: ArrayLike<number>) => Uint8Array.from(values, (value) => Math.round(255 * value));

/** @throws InnerloopError (status 2) for data that are no images of 28×28 in memory */
export async function writeData(spec: string, folder: string, episodes: number): Promise<void> {
  const tasks = await openTasks(spec);
  if (!isPooled(tasks) || tasks.inputShape.join() !== "28,28,1")
    throw new InnerloopError(
      "wrong-data",
      `--data ${spec} was given; characters of 28×28 were expected, as glyphs or omniglot:DIR has them.`,
      { exitStatus: 2 },
    );
  const classes = tasks.classes("train", tasks.classCount("train"));
  const examples = Math.min(mostExamples, ...classes.map((each) => each.examples));
  const pixels = new Uint8Array(classes.length * examples * sizeOf(tasks.inputShape));
  classes.forEach((_, of) => {
    for (let i = 0; i < examples; i++)
      pixels.set(bytesOf(tasks.example("train", of, i)), (of * examples + i) * sizeOf(tasks.inputShape));
  });
  const drawn = Array.from({ length: episodes }, (_, i) => tasks.episode("test", 0, i, shape));
  const both = drawn.map(({ support, query }) => [support, query] as const);
  const images = both.flatMap((parts) => parts.map(({ x }) => bytesOf(x.data as Float32Array)));
  const labels = both.flatMap((parts) => parts.flatMap(({ y }) => Array.from(y.data as Int32Array)));
  await writeFile(join(folder, "train.bin"), pixels);
  await writeFile(join(folder, "test.bin"), Buffer.concat(images));
  await writeFile(join(folder, "labels.bin"), Int32Array.from(labels));
  const sizes = { ...shape, train: [classes.length, examples], episodes };
  await writeFile(join(folder, "sizes.json"), JSON.stringify(sizes));
}
