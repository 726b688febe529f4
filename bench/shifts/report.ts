// What the measurements of shifted data come to, in figures and as a table in Markdown.
import type { Row } from "./measure.ts";

/** A fall of more than this, in shares of right answers, is harm. */
const tolerated = 0.005;

/** The figures of a bundle. Differences are to no steps, in shares of right answers. */
export interface Summary {
  readonly settings: number;
  /** Settings times ways to adapt. */
  readonly compared: number;
  readonly fewestEpisodes: number;
  readonly worst: { readonly difference: number; readonly ci95: number; readonly where: string } | undefined;
  /** Differences under half a point. */
  readonly harmed: number;
  /** Of the usual steps, on data as in training. */
  readonly inDomain: number | undefined;
  /** Of the usual steps, on all others. */
  readonly offDomain: number | undefined;
  /** Shares of right answers on all others. */
  readonly offDomainAtZero: number;
  readonly offDomainAtDefault: number;
  /** Adaptations whose support loss ended above its start. */
  readonly rose: number;
  readonly adaptations: number;
}

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length;

export function summaryOf(rows: readonly Row[]): Summary {
  const compared = rows.flatMap((row) => row.adapted.slice(1).map((adapted) => ({ row, adapted })));
  const worst = [...compared].sort((a, b) => a.adapted.difference.mean - b.adapted.difference.mean)[0];
  const usual = (inDomain: boolean) =>
    mean(
      rows
        .filter((row) => row.inDomain === inDomain)
        .flatMap(({ adapted }) => (adapted[1] ? [adapted[1].difference.mean] : [])),
    );
  const off = rows.filter(({ inDomain }) => !inDomain);
  return {
    settings: rows.length,
    compared: compared.length,
    fewestEpisodes: Math.min(...rows.map(({ episodes }) => episodes)),
    worst: worst && {
      difference: worst.adapted.difference.mean,
      ci95: worst.adapted.difference.ci95,
      where: `${worst.row.family}, ${worst.row.ways} ways, ${worst.row.shots} shots, ${worst.adapted.way}`,
    },
    harmed: compared.filter(({ adapted }) => adapted.difference.mean < -tolerated).length,
    inDomain: usual(true),
    offDomain: usual(false),
    offDomainAtZero: mean(off.map(({ adapted }) => adapted[0]!.accuracy)) ?? Number.NaN,
    offDomainAtDefault: mean(off.map(({ adapted }) => (adapted[1] ?? adapted[0]!).accuracy)) ?? Number.NaN,
    rose: rows.flatMap(({ adapted }) => adapted).reduce((total, { rose }) => total + rose, 0),
    adaptations: rows.reduce((total, { episodes, adapted }) => total + episodes * adapted.length, 0),
  };
}

const points = (share: number | undefined, digits = 1): string =>
  share === undefined ? "" : (100 * share).toFixed(digits);
const signed = (share: number | undefined): string =>
  share === undefined ? "" : `${share > 0 ? "+" : share < 0 ? "−" : ""}${points(Math.abs(share), 2)}`;

/** One table of all bundles: what adapting does in the mean over sizes and at its worst. */
export function shiftsReport(bundles: readonly { readonly name: string; readonly rows: readonly Row[] }[]): string {
  return bundles
    .map(({ name, rows }) => {
      const summary = summaryOf(rows);
      const names = rows[0]!.adapted.map(({ way }) => way);
      const families = [...new Set(rows.map(({ family }) => family))].sort(
        (a, b) => Number(b === "plain") - Number(a === "plain") || (a < b ? -1 : 1),
      );
      const lines = families.map((family) => {
        const ofFamily = rows.filter((row) => row.family === family);
        const differences = ofFamily.flatMap(({ adapted }) =>
          adapted.slice(1).map(({ difference }) => difference.mean),
        );
        const at = (i: number) => mean(ofFamily.map(({ adapted }) => adapted[i]!.accuracy))!;
        const others = names.slice(1).map((_, i) => signed(at(i + 1) - at(0)));
        return `| ${[family, points(at(0)), ...others, ...(names.length > 1 ? [signed(Math.min(...differences))] : [])].join(" | ")} |`;
      });
      const head = ["input", ...names, ...(names.length > 1 ? ["worst"] : [])];
      return [
        `**${name}**: ${sentence(summary)}`,
        "",
        `| ${head.join(" | ")} |`,
        `|---${"|---:".repeat(head.length - 1)}|`,
        ...lines,
      ].join("\n");
    })
    .join("\n\n");
}

function sentence(summary: Summary): string {
  const { settings, compared, fewestEpisodes, worst, harmed, inDomain, offDomain, rose, adaptations } = summary;
  const start = `${settings} settings of at least ${fewestEpisodes} episodes; off domain ${points(summary.offDomainAtZero)} % at 0 steps`;
  if (!worst) return `${start}. It takes no steps.`;
  return (
    `${start}, ${points(summary.offDomainAtDefault)} % after the usual (${signed(offDomain)}); in domain ${signed(inDomain)}. ` +
    `Worst ${signed(worst.difference)} ± ${points(worst.ci95, 2)} (${worst.where}); ${harmed} of ${compared} under −0.5. ` +
    `Support loss above its start in ${rose} of ${adaptations} adaptations.`
  );
}
