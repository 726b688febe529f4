// `npm run bench -- embed`: a bundle in an application, beside what else a TypeScript team could use.
import { openTasks } from "@innerloop/train";
import { bundleAccuracy, knnAccuracy } from "./accuracy.ts";
import { bodyOf } from "./body.ts";
import { type Download, knnDownload, ourDownload } from "./bytes.ts";
import { type Latencies, latencies, type Times } from "./latency.ts";
import { trainPlainBody } from "./plain.ts";

export interface EmbedOptions {
  /** A bundle of a conv4 whose head starts from prototypes. */
  readonly bundle: string;
  /** SPEC of the data that it was trained on. */
  readonly data: string;
  readonly episodes: number;
  /** Epochs of the plain body; 0: leave it out. */
  readonly epochs: number;
  /** Processes started for a cold start. */
  readonly starts: number;
  /** Adaptations and predictions timed. */
  readonly runs: number;
  readonly json: boolean;
}

const tell = (words: string): void => void process.stderr.write(`${words}\n`);

export async function embed(options: EmbedOptions): Promise<{ text: string; status: 0 }> {
  const { bundle, episodes, epochs, starts, runs } = options;
  const tasks = await openTasks(options.data);
  tell("latencies");
  const { sides, notes } = await latencies(bundle, tasks, { starts, runs });
  const body = await bodyOf(bundle);
  const filters = body.weights["conv1.weight"]!.shape[3]!;
  const plain = epochs > 0 ? await trainPlainBody(tasks, { filters, epochs }) : undefined;
  const ways = [
    { way: "this bundle and runtime", of: (shots: number) => bundleAccuracy(bundle, tasks, shots, episodes) },
    { way: "knn-classifier on the bundle's body", of: (shots: number) => knnAccuracy(body, tasks, shots, episodes) },
    ...(plain
      ? [
          {
            way: `knn-classifier on a body trained plainly, ${epochs} epochs`,
            of: (shots: number) => knnAccuracy(plain, tasks, shots, episodes),
          },
        ]
      : []),
    { way: "knn-classifier on pixels", of: (shots: number) => knnAccuracy(undefined, tasks, shots, episodes) },
  ];
  const accuracy = [];
  for (const { way, of } of ways) {
    tell(`accuracy: ${way}`);
    accuracy.push({ way, oneShot: await of(1), fiveShots: await of(5) });
  }
  const download = { ours: await ourDownload(bundle), knn: await knnDownload(body) };
  const results = { episodes, accuracy, latencies: sides, download, notes };
  return { text: options.json ? JSON.stringify(results, null, 2) : describe(results), status: 0 };
}

function describe(results: {
  readonly accuracy: readonly { way: string; oneShot: Estimate; fiveShots: Estimate }[];
  readonly latencies: readonly Latencies[];
  readonly download: { readonly ours: Download; readonly knn: Download };
  readonly notes: readonly string[];
}): string {
  const ours = results.latencies[0]!;
  const time = (of: "coldStart" | "adapt" | "predict", side: Latencies): string => {
    const [found, reference] = [side[of], ours[of]];
    if (!found || !reference) return "";
    return `${ms(found)}${side === ours ? "" : ` (ratio ${(reference.median / found.median).toFixed(2)})`}`;
  };
  const kb = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`;
  return [
    "| 5 ways, unseen classes | 1 shot | 5 shots |",
    "|---|---:|---:|",
    ...results.accuracy.map((row) => `| ${row.way} | ${percent(row.oneShot)} | ${percent(row.fiveShots)} |`),
    "",
    "| ms, median / p99 (our median to theirs) | cold start | adapt, 5 ways 1 shot | predict one |",
    "|---|---:|---:|---:|",
    ...results.latencies.map(
      (side) => `| ${side.side} | ${time("coldStart", side)} | ${time("adapt", side)} | ${time("predict", side)} |`,
    ),
    "",
    "| downloaded, gzipped | program | engine | model |",
    "|---|---:|---:|---:|",
    ...Object.entries({
      "this runtime on onnxruntime-web": results.download.ours,
      "knn-classifier on TensorFlow.js": results.download.knn,
    }).map(([way, { program, engine, model }]) => `| ${way} | ${kb(program)} | ${kb(engine)} | ${kb(model)} |`),
    ...results.notes,
  ].join("\n");
}

interface Estimate {
  readonly mean: number;
  readonly ci95: number;
}

const percent = ({ mean, ci95 }: Estimate): string => `${(100 * mean).toFixed(1)} ± ${(100 * ci95).toFixed(1)} %`;
const ms = ({ median, p99 }: Times): string => `${median.toPrecision(3)} / ${p99.toPrecision(3)}`;
