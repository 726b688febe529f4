// The program `innerloop`.
import { setTimeout as sleep } from "node:timers/promises";
import { innerloop } from "./call/command-line.ts";
import { resultsWritten, say, style, watchStreams } from "./terminal/output.ts";

const leaveTerminals = watchStreams();
const status = await innerloop(process.argv.slice(2));
const lost = await resultsWritten();
if (lost)
  say(`${style("red", "error:")} The result could not be written to stdout: ${lost.message}. The work itself is done.`);
// A signal in the last moments would take the status: whoever sends several, as runners that pass them on do, is heard out.
if (status > 128) await sleep(100);
process.exitCode = status || (lost ? 1 : 0);
leaveTerminals();
