// The program `innerloop`.
import { innerloop } from "./command-line.ts";

// A reader that has seen enough (`innerloop predict … | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await innerloop(process.argv.slice(2));
