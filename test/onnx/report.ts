// Verdicts as text: how many cases stop for which reason, and per operator which do and why.
import { type Failure, passes, type Verdict } from "./judge.ts";

/** The failures of a verdict that count, by the form that was written. */
function failures(verdict: Verdict): [form: string, failure: Failure][] {
  const { authored, apart, evaluated } = verdict;
  if (authored?.at === "read") return [["read", authored]];
  const list: [string, Failure][] = [];
  if (authored && !passes(verdict, "authored")) list.push(["authored", authored]);
  if (apart && !passes(verdict, "apart")) list.push(["apart", apart]);
  if (evaluated && list.length === 0) list.push(["evaluated", evaluated]);
  return list;
}

/** A failure without what differs from case to case. */
const reason = ({ at, code, message }: Failure): string =>
  `${at}/${code}: ${message
    .replace(/^test_\w+: /, "")
    .replace(/\(node "[^"]*"\)/g, "")
    .replace(/"[^"]*"/g, "…")
    .replace(/\d[\d.e+-]*/g, "n")
    .slice(0, 110)}`;

function grouped<T>(list: readonly T[], key: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups].sort(([, a], [, b]) => b.length - a.length);
}

export function byReason(verdicts: readonly Verdict[]): string {
  const all = verdicts.flatMap((verdict) => failures(verdict).map(([form, failure]) => ({ form, failure, verdict })));
  return grouped(all, ({ form, failure }) => `${form} ${reason(failure)}`)
    .map(([key, list]) => {
      const operators = grouped(list, ({ verdict }) => verdict.operator).map(
        ([name, { length }]) => `${name} ${length}`,
      );
      return `${String(list.length).padStart(5)}  ${key}\n         ${operators.slice(0, 12).join(", ")}`;
    })
    .join("\n");
}

export function byOperator(verdicts: readonly Verdict[]): string {
  const failing = verdicts.filter((verdict) => failures(verdict).length > 0);
  return grouped(failing, ({ operator }) => operator)
    .map(([operator, list]) => {
      const lines = list.flatMap((verdict) =>
        failures(verdict).map(
          ([form, { at, code, message }]) =>
            `  ${verdict.name}: ${form} ${at}/${code}: ${message.replace(`${verdict.name}: `, "").slice(0, 220)}`,
        ),
      );
      return `${operator}: ${list.length}\n${lines.join("\n")}`;
    })
    .join("\n");
}
