// Which process something on a disk belongs to, and whether that process is over: a number alone is given again, after a
// restart of a container even at once, so where the system tells when a process started, that counts too.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** A process of a machine. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When it started, as the system counts; empty where it does not tell. */
  readonly start: string;
}

/** The process that this is. */
export const self = (): Owner => ({ pid: process.pid, host: hostname(), start: startOf(process.pid) ?? "" });

/** Whether a process is over, as far as can be told from here: of another machine it cannot. */
export function isOver({ pid, host, start }: Owner): boolean {
  if (host !== hostname()) return false;
  const now = startOf(pid);
  if (now === "") return true;
  if (now !== undefined && start !== "") return now !== start;
  try {
    process.kill(pid, 0);
    return false;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** A process as a part of a file's name. */
export function tagOf({ pid, host, start }: Owner): string {
  return `${hashOf(host)}-${pid}-${start}`;
}

/** The process of a name's part, if it is one of this machine. */
export function ownerOf(tag: string): Owner | undefined {
  const [host, pid, start = ""] = tag.split("-");
  return host === hashOf(hostname()) ? { pid: Number(pid), host: hostname(), start } : undefined;
}

const hashOf = (host: string): string => createHash("sha256").update(host).digest("hex").slice(0, 8);

/** When a process started; empty where it has ended and nobody asked for its status, nothing where the system does not tell. */
function startOf(pid: number): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program is in brackets and may hold any character; the state and the others come after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "" : fields[19];
  } catch {
    return undefined;
  }
}
