// `npm run bench -- peers | profile | scale | check | learning | engines | passes | wasm | gpu | imported | embed | shifts`: see README.md.
import { kernelsHere } from "@innerloop/native";
import { InnerloopError } from "@innerloop/schemas";
import { engineNames } from "@innerloop/train";
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import { check } from "./check/run.ts";
import { embed } from "./embed/run.ts";
import { engines } from "./engines.ts";
import { among, counts, list, minutesIn, sizeIn, turns } from "./flags.ts";
import { gpu } from "./gpu/run.ts";
import { anyNetworks, importedNetworks, networksOf, otherNetworks } from "./imported/names.ts";
import { imported, importedGroups, importedPeers } from "./imported/run.ts";
import { learning } from "./learning/run.ts";
import { type OurEngine, ourEngines } from "./ours/engines.ts";
import type { Outcome } from "./outcome.ts";
import { timePasses } from "./passes/run.ts";
import { peers } from "./peers/run.ts";
import { profile } from "./profile/run.ts";
import { axisNames, scale } from "./scale/run.ts";
import { shifts } from "./shifts/run.ts";
import { peers as peerSides } from "./sides/list.ts";
import { wasm } from "./wasm/run.ts";
import { workloadNames } from "./workloads.ts";

async function run(work: () => Promise<Outcome>): Promise<void> {
  const { text, status } = await work();
  process.stdout.write(`${text}\n`);
  process.exitCode = status;
}

const measuring = {
  workloads: { type: "string", default: workloadNames.join(), describe: "which, separated by commas" },
  runs: { type: "number", describe: "pairs of turns [default: what fits in some seconds]" },
  json: { type: "boolean", default: false, describe: "the result as JSON" },
} as const;
const shared = (args: { workloads: string; threads: string; runs: number | undefined; json: boolean }) => ({
  workloads: list(args.workloads),
  threads: counts(args.threads),
  ...(args.runs === undefined ? {} : { runs: turns(args.runs) }),
  json: args.json,
});
const threads = { type: "string", describe: "numbers of threads, separated by commas" } as const;
const small = {
  type: "boolean",
  default: false,
  describe: "few filters and tasks, to see that all parts work",
} as const;

const enginesOf = (text = kernelsHere() ? ourEngines.join() : "onnxruntime"): readonly OurEngine[] =>
  among("engines", text, ourEngines);

const ofOurs = {
  type: "string",
  describe: `what ours computes on, of ${ourEngines.join(", ")} [default: both where kernels are built]`,
} as const;
/** One of them. */
const engine = {
  choices: ourEngines,
  default: "onnxruntime" as OurEngine,
  describe: "what ours computes on",
} as const;

try {
  await yargs(hideBin(process.argv))
    .scriptName("npm run bench --")
    .command(
      "peers",
      "time the workloads beside PyTorch, JAX and others, after checking that results are equal",
      {
        ...measuring,
        threads: { ...threads, default: "1,2" },
        engines: ofOurs,
        peers: { type: "string", default: peerSides.map(({ name }) => name).join(), describe: "which, or none" },
        memory: { type: "boolean", default: true, describe: "measure the peak memory of ours and of PyTorch, too" },
        limit: { type: "number", default: 900, describe: "seconds that a peer may take to compile a workload" },
        small,
        networks: {
          type: "string",
          default: "none",
          describe: "networks of PyTorch for the row of models from files, or all",
        },
      },
      (args) =>
        run(() =>
          peers({
            ...shared(args),
            engines: enginesOf(args.engines),
            peers: args.peers === "none" ? [] : list(args.peers),
            memory: args.memory,
            limit: args.limit,
            small: args.small,
            networks: networksOf(args.networks),
          }),
        ),
    )
    .command(
      "profile <what>",
      "where one graph's time goes, by operator and by line of the model, and its share of the MatMul rate",
      (call) =>
        call.positional("what", { type: "string", demandOption: true, describe: "a workload, or a file" }).options({
          engine,
          threads: { ...threads, default: "1" },
          runs: { type: "number", default: 20, describe: "how many are measured" },
          size: {
            type: "string",
            array: true,
            default: [],
            describe: "of an open dimension, as in batch=8 [default: 1]",
          },
          out: { type: "string", describe: "folder for profile.svg, profile.folded, profile.json" },
          small,
          json: measuring.json,
        }),
      ({ what, engine: on, threads: given, runs, size, out, small: few, json }) =>
        run(() =>
          profile({
            what,
            engine: on,
            threads: counts(given)[0]!,
            runs: turns(runs),
            sizes: Object.fromEntries(size.map(sizeIn)),
            small: few,
            json,
            ...(out === undefined ? {} : { out }),
          }),
        ),
    )
    .command(
      "scale",
      "how our time grows with each size of a workload: exponents with their intervals",
      {
        axes: { type: "string", default: axisNames.join(), describe: "which sizes, separated by commas" },
        engine,
        kind: { choices: ["meta", "adapt"] as const, default: "meta" as const, describe: "what grows" },
        processor: {
          type: "boolean",
          default: false,
          describe: "time of the processor, which a busy machine disturbs less, but for threads",
        },
        runs: measuring.runs,
        small,
        json: measuring.json,
      },
      ({ axes, runs, ...args }) =>
        run(() =>
          scale({
            axes: among("axes", axes, axisNames),
            engine: args.engine,
            kind: args.kind,
            processor: args.processor,
            small: args.small,
            json: args.json,
            ...(runs === undefined ? {} : { runs: turns(runs) }),
          }),
        ),
    )
    .command(
      "learning",
      "accuracy on unseen classes by minutes of training, beside learn2learn's way in PyTorch",
      {
        data: { type: "string", demandOption: true, describe: "SPEC of characters, such as omniglot:DIR" },
        minutes: { type: "string", describe: "of training, separated by commas [default: 1,2,5,10]" },
        episodes: { type: "number", describe: "that both are measured on [default: 600]" },
        preset: { type: "string", default: "omniglot-5way-1shot", describe: "how ours is trained" },
        small: { ...small, describe: "seconds and few episodes, to see that all parts work" },
        json: measuring.json,
      },
      ({ data, small: few, minutes = few ? "0.1,0.2" : "1,2,5,10", episodes = few ? 20 : 600, preset, json }) =>
        run(() => learning({ data, minutes: minutesIn(minutes), episodes, preset, json })),
    )
    .command(
      "check",
      "compare with an earlier commit, built and measured in the same run; fails where something got slower beyond noise",
      {
        ...measuring,
        against: { type: "string", demandOption: true, describe: "the earlier commit, as git names it" },
        threads: { ...threads, default: "1" },
        engine,
        starts: { type: "number", default: 3, describe: "how often both are started anew" },
        noise: { type: "number", default: 0.08, describe: "what a ratio may move by chance" },
        small,
        install: { type: "boolean", default: false, describe: "give the earlier commit its own packages (npm ci)" },
      },
      ({ against, noise, install, ...args }) =>
        run(() =>
          check({
            ...{ ...shared(args), against, starts: turns(args.starts, "starts"), noise, install },
            ...{ engine: args.engine, small: args.small },
          }),
        ),
    )
    .command(
      "engines",
      "time a meta-iteration on every engine that is here, against ONNX Runtime on the processor",
      {
        engines: { type: "string", describe: "names of engines [default: all]" },
        runs: measuring.runs,
        json: measuring.json,
      },
      (args) =>
        run(() =>
          engines({
            ...(args.engines === undefined ? {} : { engines: among("engines", args.engines, engineNames) }),
            ...(args.runs === undefined ? {} : { runs: turns(args.runs) }),
            json: args.json,
          }),
        ),
    )
    .command(
      "passes",
      "what each pass of the compiler gives, or of native plans: nodes and processor time with it and without it",
      {
        engine,
        graphs: { type: "string", describe: "preset, evaluate, and names of workloads [default: all]" },
        runs: { type: "number", default: 15, describe: "pairs of turns" },
        json: measuring.json,
      },
      (args) =>
        run(() =>
          timePasses({
            ...{ engine: args.engine, turns: turns(args.runs), json: args.json },
            ...(args.graphs === undefined ? {} : { only: list(args.graphs) }),
          }),
        ),
    )
    .command(
      "wasm",
      "what an engine of our own in WebAssembly could gain: rates of products, and the least time of workloads at them",
      {
        workloads: { type: "string", default: "adapt-conv4,meta-conv4", describe: "which, separated by commas" },
        small,
        json: measuring.json,
      },
      (args) =>
        run(() =>
          wasm({ workloads: among("workloads", args.workloads, workloadNames), small: args.small, json: args.json }),
        ),
    )
    .command(
      "gpu",
      "time second-order meta-gradients on every GPU engine, PyTorch and JAX, on the same GPU in the same run",
      {
        engines: { type: "string", describe: "names of engines [default: those on a GPU that work here]" },
        peers: { type: "string", default: "torch,jax", describe: "of torch, torch-eager, jax; none: no peer" },
        models: { type: "string", default: "conv4,resnet12", describe: "of conv4, resnet12" },
        tasks: { type: "string", default: "4,32,256", describe: "sizes of the task batch" },
        device: { choices: ["cuda", "cpu"] as const, default: "cuda" as const, describe: "where the peers run" },
        small: { type: "boolean", default: false, describe: "few filters, to see that all parts work" },
        seconds: { type: "number", default: 5, describe: "how long each side is timed in a case" },
        out: { type: "string", describe: "file for everything as JSON" },
      },
      (args) =>
        run(() =>
          gpu({
            ...(args.engines === undefined ? {} : { engines: list(args.engines) }),
            peers: args.peers === "none" ? [] : among("peers", args.peers, ["torch", "torch-eager", "jax"]),
            models: among("models", args.models, ["conv4", "resnet12"]),
            tasks: counts(args.tasks, "tasks"),
            device: args.device,
            small: args.small,
            seconds: args.seconds,
            ...(args.out === undefined ? {} : { out: args.out }),
          }),
        ),
    )
    .command(
      "imported",
      "models of PyTorch, read and written again, beside the originals, onnx-ad and PyTorch",
      {
        networks: {
          type: "string",
          default: importedNetworks.join(),
          describe: `of ${[...importedNetworks, ...otherNetworks].join(", ")}; others: the last ${otherNetworks.length} of these`,
        },
        batches: { type: "string", default: "1,8", describe: "examples in a batch" },
        threads: { ...threads, default: "1,2" },
        groups: { type: "string", default: importedGroups.join(), describe: `of ${importedGroups.join(", ")}` },
        engines: ofOurs,
        peers: { type: "string", default: importedPeers.join(), describe: `of ${importedPeers.join(", ")}` },
        rounds: { type: "number", default: 7, describe: "turns of each side" },
        seconds: {
          type: "number",
          default: 10,
          describe: "after which no further round of a row begins, but for three",
        },
        limit: { type: "number", default: 120, describe: "seconds for torch.compile of a side" },
        quick: { type: "boolean", default: false, describe: "one round, without torch.compile and peaks of memory" },
        memory: { type: "boolean", default: true, describe: "each side's peak, in a process of its own" },
        keep: { type: "string", describe: "folder in which the files stay" },
        json: measuring.json,
      },
      (args) =>
        run(async () =>
          imported({
            ...{ networks: anyNetworks(args.networks), engines: enginesOf(args.engines) },
            ...{ batches: counts(args.batches, "batches"), threads: counts(args.threads, "threads") },
            groups: among("groups", args.groups, importedGroups),
            peers: among("peers", args.peers, importedPeers).filter((peer) => !(args.quick && peer === "compile")),
            rounds: args.quick ? 1 : args.rounds,
            seconds: args.seconds,
            limit: args.limit,
            memory: args.memory && !args.quick,
            ...(args.keep === undefined ? {} : { keep: args.keep }),
            json: args.json,
          }),
        ),
    )
    .command(
      "embed <bundle>",
      "a bundle in an application beside PyTorch, TensorFlow.js and knn-classifier: accuracy, latency, bytes",
      (call) =>
        call
          .positional("bundle", {
            type: "string",
            demandOption: true,
            describe: "of a conv4 with a prototype head and raw input",
          })
          .options({
            data: { type: "string", demandOption: true, describe: "SPEC of the data that it was trained on" },
            episodes: { type: "number", default: 600, describe: "unseen tasks" },
            epochs: { type: "number", default: 10, describe: "of the plainly trained body; 0: without it" },
            starts: { type: "number", default: 20, describe: "processes started for a cold start" },
            runs: { type: "number", default: 400, describe: "adaptations and predictions timed" },
            json: { type: "boolean", default: false, describe: "the result as JSON" },
          }),
      (args) => run(() => embed(args)),
    )
    .command(
      "shifts <bundles..>",
      "what adapting does to bundles on data like those of users: other paper, pens, noise, hands, wrong labels",
      (call) =>
        call
          .positional("bundles", { type: "string", array: true, demandOption: true, describe: "folders of bundles" })
          .options({
            data: { type: "string", describe: "SPEC of the data [default: what each was trained on]" },
            outside: { type: "string", describe: "folder of other pictures, classes below a folder test in it" },
            families: {
              type: "string",
              default: "plain,inverted,paper,thick,noise,rotated,occluded,wrong labels",
              describe: "names of shifts, plain, wrong labels",
            },
            ways: { type: "string", default: "2,5,10,20", describe: "classes of an episode" },
            shots: { type: "string", default: "1,5,20", describe: "support examples a class, or as many as there are" },
            queries: { type: "number", default: 5, describe: "query examples a class" },
            episodes: { type: "number", default: 150, describe: "of each setting" },
            minutes: { type: "number", default: 30, describe: "for a bundle; large settings then get fewer episodes" },
            threads: { ...threads, default: "1" },
            seed: { type: "number", default: 0, describe: "of the episodes" },
            json: measuring.json,
            out: { type: "string", describe: "file for everything as JSON" },
            samples: { type: "string", describe: "folder for episodes and answers, for check_samples.py" },
          }),
      ({
        bundles,
        data,
        outside,
        families,
        ways,
        shots: each,
        queries,
        episodes,
        minutes,
        threads: given,
        seed,
        ...args
      }) =>
        run(() =>
          shifts({
            bundles,
            families: list(families),
            ways: counts(ways, "ways"),
            shots: counts(each, "shots"),
            queries,
            episodes,
            minutes,
            threads: counts(given)[0]!,
            seed,
            json: args.json,
            ...(data === undefined ? {} : { data }),
            ...(outside === undefined ? {} : { outside }),
            ...(args.out === undefined ? {} : { out: args.out }),
            ...(args.samples === undefined ? {} : { samples: args.samples }),
          }),
        ),
    )
    .demandCommand(
      1,
      "Say what to do: peers, profile, scale, learning, check, engines, passes, wasm, gpu, imported, embed or shifts.",
    )
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new InnerloopError("bad-call", message.replace(/\s*\n\s*/g, " "), { exitStatus: 2 });
    })
    .parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof InnerloopError ? error.exitStatus : 1;
}
