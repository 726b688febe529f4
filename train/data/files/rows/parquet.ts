// Parquet, by a library that reads it in plain JavaScript, in a thread of its own.
import { Worker } from "node:worker_threads";
import type { Refuse } from "../text.ts";
import type { ParquetReply } from "./parquet-columns.ts";
import { byNames, type RawTable } from "./raw-table.ts";

/** Milliseconds that a file may take, and those for each of its bytes besides: a hundred times what sound ones do. */
const patience = { least: 5000, byte: 0.01 };

/** Heap of the thread in MiB at most. */
const memory = 2048;

/** @throws InnerloopError `bad-table`, by `refuse` */
export async function readParquet(file: string, bytes: Uint8Array, refuse: Refuse): Promise<RawTable> {
  const reply = await ask(bytes);
  if ("problem" in reply)
    throw refuse("bad-table", `${file} is no Parquet that can be read (${reply.problem}); write it again.`);
  return byNames(reply.columns, reply.nested);
}

/** The thread that has nothing to do. */
let idle: Worker | undefined;

function ask(bytes: Uint8Array): Promise<ParquetReply> {
  const worker =
    idle ??
    new Worker(new URL("./parquet-columns.js", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: memory },
    });
  idle = undefined;
  worker.ref();
  const most = patience.least + patience.byte * bytes.length;
  return new Promise((resolve) => {
    const end = (reply: ParquetReply, sound: boolean) => {
      clearTimeout(timer);
      worker.removeAllListeners("message").removeAllListeners("error");
      // What fails after it was given up is of no account.
      worker.on("error", () => undefined);
      if (sound && !idle) {
        worker.unref();
        idle = worker;
      } else worker.terminate();
      resolve(reply);
    };
    const timer = setTimeout(
      () => end({ problem: `reading it does not come to an end within ${Math.ceil(most / 1000)} seconds` }, false),
      most,
    );
    worker.on("message", (reply: ParquetReply) => end(reply, true));
    worker.on("error", ({ message }) => end({ problem: message }, false));
    const file = bytes.slice().buffer;
    worker.postMessage(file, [file]);
  });
}
