// `innerloop bench`: how long a bundle takes here, on each provider that works.
import { defineCommand } from "../call/command.ts";
import { bundleArgument, bundleAt } from "../inputs/places.ts";
import { providers } from "../shared/providers.ts";
import { columns } from "../terminal/layout.ts";
import { print, printJson, say, startProgress } from "../terminal/output.ts";

export const command = defineCommand({
  name: "bench",
  summary: "measure how long a bundle takes to start, adapt and predict here",
  arguments: [bundleArgument],
  options: {
    provider: { type: "text", what: "where it runs", choices: [...providers, "all"], otherwise: "auto" },
    starts: { type: "whole", what: "processes started for the cold start", otherwise: "20", least: 1 },
    runs: { type: "whole", what: "adaptations and predictions timed", otherwise: "200", least: 1 },
    json: {
      type: "switch",
      what: "milliseconds as JSON on stdout: { provider, coldStart, adapt, predict }, a list of them with --provider all",
    },
  },
  examples: [
    ["bench bundle", "on the provider that auto takes"],
    ["bench bundle --provider all --json", "on every one that works"],
  ],
  async run({ provider = "auto", starts = 20, runs = 200, json = false }, [given = ""]) {
    const bundle = await bundleAt(given);
    const [{ measureBundle }, { listProviders }] = await Promise.all([
      import("@innerloop/measure"),
      import("@innerloop/runtime"),
    ]);
    const wanted =
      provider === "all"
        ? (await listProviders()).flatMap(({ name, available, reason }) => {
            if (!available) say(`${name}: ${reason}`);
            return available ? [name] : [];
          })
        : [provider as "auto"];
    const results = [];
    for (const name of wanted) {
      const progress = await startProgress(`Measuring${wanted.length > 1 ? ` on ${name}` : ""}`);
      try {
        const onProgress = progress.update;
        results.push(await measureBundle(bundle, { provider: name, starts, runs, onProgress }));
      } finally {
        progress.stop();
      }
    }
    if (json) {
      printJson(provider === "all" ? results : results[0]);
      return;
    }
    const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
    const rows = results.flatMap((result) => [
      [result.provider, "median", "99 of 100 within"],
      ...(["coldStart", "adapt", "predict"] as const).map((what) => [
        titles[what],
        ms(result[what].median),
        ms(result[what].p99),
      ]),
    ]);
    print(columns(rows));
  },
});

const titles = {
  coldStart: "a new process to its first answer",
  adapt: "adapting",
  predict: "predicting one example",
};
