// `innerloop setup tfjs-gpu` as the tests call it: in a home of its own for each test, with stand-ins for npm, a compiler and
// TensorFlow.
import { delimiter, join } from "node:path";
import { installedTensorFlow } from "@innerloop/train";
import { beforeAll, beforeEach } from "vitest";
import { filesIn, temporaryFolder } from "../support/folders.ts";
import { type Call, innerloop } from "../support/innerloop.ts";
import { nativeFolder, writePrograms, writeTensorFlow } from "./fixtures.ts";

export const here = `${process.platform}-${process.arch}`;

/** Writes the stand-ins before the tests of a file, and makes a home before each. */
export function tensorFlowSetup() {
  const cwd = temporaryFolder();
  const place = (...parts: string[]) => join(cwd, ...parts);
  const programs = place("programs");
  let count = 0;
  let home = "";
  beforeAll(() => {
    if (here !== "linux-x64") return;
    writePrograms(programs);
    writeTensorFlow(place("site"));
  });
  beforeEach(() => {
    home = place(`home${count++}`);
  });
  return {
    cwd,
    place,
    /** Of the test, so that it can have folders of its own. */
    number: () => count,
    /** Where its stacks lie. */
    root: () => join(home, "stacks", "tensorflow"),
    /** Runs it. @param more programs: a folder of stand-ins that are found before the others */
    call: (args: readonly string[], more: Partial<Call> & { readonly programs?: string } = {}) => {
      const { programs: first = programs, env, ...rest } = more;
      return innerloop(["setup", "tfjs-gpu", ...args], {
        cwd,
        ...rest,
        env: {
          INNERLOOP_HOME: home,
          PATH: [first, programs, process.env.PATH].join(delimiter),
          LD_LIBRARY_PATH: nativeFolder,
          VIRTUAL_ENV: "",
          CONDA_PREFIX: "",
          ...env,
        },
      });
    },
    /** The TensorFlow that is in use. */
    installed: () => {
      process.env.INNERLOOP_HOME = home;
      return installedTensorFlow();
    },
    /** Every file of the home folder but those that come and go. */
    state: () => filesIn(home).filter((file) => !/staging-|\/lock$/.test(file)),
  };
}
