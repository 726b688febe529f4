// `innerloop completion`: what makes a shell complete commands, options and their values.
import { defineCommand, didYouMean, short, wrongCall } from "../call/command.ts";
import { shells, wordsOf } from "../call/completion.ts";
import { printAsIs } from "../terminal/output.ts";

const names = Object.keys(shells) as (keyof typeof shells)[];

export const command = defineCommand({
  name: "completion",
  summary: "write what makes a shell complete commands, options and their values",
  arguments: [{ name: "SHELL", what: names.join(", "), completes: { words: names } }],
  options: {},
  examples: [["completion bash", "a script, for the shell to read when it starts"]],
  notes: async () => [
    {
      title: "To have it from now on",
      rows: names.map((name) => [shells[name].install, `in ${shells[name].file}`] as const),
    },
  ],
  async run(_, [given = ""], all) {
    const name = names.find((shell) => shell === given);
    if (name === undefined)
      throw wrongCall(
        "unknown-shell",
        `There is no completion for "${short(given)}"; ${names.join(", ")} were expected${didYouMean(given, names) || "."}`,
      );
    printAsIs(shells[name].script(await wordsOf(await all())));
  },
});
