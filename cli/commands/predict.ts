// `innerloop predict`: says what inputs are, with a bundle as it is or as it was adapted.
import type { ClassPrediction, ValuePrediction } from "@innerloop/runtime";
import { InnerloopError } from "@innerloop/schemas";
import { defineCommand } from "../call/command.ts";
import { readInputs } from "../inputs/example-files.ts";
import { bundleArgument, openBundle, openParams } from "../inputs/places.ts";
import { pictureOptions, picturesFrom } from "../shared/picture-options.ts";
import { providers } from "../shared/providers.ts";
import { padEnd, textWidth } from "../terminal/layout.ts";
import { cells, commandLine, percent, print, printJson, resultStyle } from "../terminal/output.ts";

/** Inputs that are run at once. */
const batchSize = 64;

export const command = defineCommand({
  name: "predict",
  summary: "say what inputs are",
  arguments: [
    bundleArgument,
    {
      name: "INPUT",
      what: "files or folders of images, sounds or recordings, or tables, as the bundle takes them",
      many: true,
    },
  ],
  options: {
    params: {
      type: "text",
      what: "file that adapt wrote",
      completes: "paths",
      otherwise: "the bundle as it was trained",
    },
    ...pictureOptions,
    provider: { type: "text", what: "where it runs", choices: providers, otherwise: "auto" },
    json: { type: "switch", what: "the results as a JSON list on stdout, in the order of the inputs" },
  },
  examples: [["predict bundle --params mine.safetensors new/*.png", "one line an image"]],
  async run(options, args) {
    const [bundle, ...inputs] = args as [string, ...string[]];
    const learner = await openBundle(bundle, {
      provider: (options.provider ?? "auto") as "auto",
      ...picturesFrom(options),
    });
    try {
      const { manifest } = learner;
      if (options.params === undefined && manifest.parameters.some(({ required }) => required))
        throw new InnerloopError(
          "not-adapted",
          `The bundle "${manifest.name}" makes its head from examples, so it knows no class yet; first run ` +
            `${commandLine`adapt ${bundle} --support DIR --out FILE`}, then give --params FILE.`,
          { exitStatus: 2 },
        );
      const model = options.params === undefined ? learner : await openParams(learner, options.params);
      const examples = await readInputs(inputs, manifest);
      const answers: (ClassPrediction | ValuePrediction)[] = [];
      for (let i = 0; i < examples.length; i += batchSize)
        answers.push(...(await model.predictBatch(examples.slice(i, i + batchSize).map(({ data }) => data))));
      const confidence = "confidence" in model ? model.confidence : undefined;
      const results = examples.map(({ input }, i) => resultOf(input, answers[i]!, confidence?.familiar));
      if (options.json) printJson(results);
      else {
        printResults(results);
        if (confidence?.familiar === false)
          print(`${resultStyle("bold", "careful")}: of ${options.params}, ${confidence.message}`);
      }
    } finally {
      await learner.dispose();
    }
  },
});

type Result =
  | {
      readonly input: string;
      readonly label: string;
      readonly probability: number;
      readonly probabilities: Readonly<Record<string, number>>;
      /** False: none of these. Absent where the bundle cannot tell. */
      readonly known?: boolean;
      /** False: what it was adapted to is unlike what was trained. Absent where the bundle cannot tell. */
      readonly familiar?: boolean;
    }
  | { readonly input: string; readonly value: readonly number[] };

function resultOf(input: string, answer: ClassPrediction | ValuePrediction, familiar?: boolean): Result {
  if ("value" in answer) return { input, value: answer.value };
  const { label, probability, probabilities, known } = answer;
  return {
    input,
    label,
    probability,
    probabilities,
    ...(known === undefined ? {} : { known }),
    ...(familiar === undefined ? {} : { familiar }),
  };
}

const answerText = (result: Result): string =>
  "value" in result ? "" : result.known === false ? `none of these, nearest ${result.label}` : result.label;

function printResults(results: readonly Result[]): void {
  const width = Math.max(...results.map(({ input }) => textWidth(input)));
  const labels = Math.max(...results.map((result) => textWidth(answerText(result))));
  for (const result of results) {
    const input = padEnd(result.input, width);
    if ("value" in result) print(`${input}  ${result.value.map((number) => Number(number.toPrecision(6))).join("  ")}`);
    else
      print(
        `${input}  ${resultStyle(result.known === false ? "dim" : "bold", padEnd(answerText(result), labels))}  ` +
          `${resultStyle("cyan", cells(result.probability, 12).replaceAll(" ", "·"))} ${percent(result.probability).padStart(7)}`,
      );
  }
}
