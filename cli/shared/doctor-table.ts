// The doctor's findings as one screen: what works with its speed and device, what does not with the reason and the way out.
import type { Finding, Findings } from "@innerloop/setup";
import { linesOf } from "../terminal/layout.ts";
import { resultStyle } from "../terminal/output.ts";

/** Words get 30 columns at least; on a narrower terminal they go beyond its edge. */
const inLines = (text: string, width: number): string[] => linesOf(text, Math.max(width, 30));

/** What is shown: what was found, by which version, and what the speeds are of. */
interface ShownFindings extends Findings {
  readonly innerloop: string;
  readonly measured: { readonly engines: string; readonly providers: string };
}

/** @param width of the terminal, in characters */
export function doctorTable(findings: ShownFindings, width: number): string {
  const { innerloop, node, platform, auto, autoReason, autoProvider, autoProviderReason, measured } = findings;
  const all = [...findings.engines, ...findings.providers];
  const widest = (text: (finding: Finding) => string) => Math.max(...all.map((finding) => text(finding).length));
  const layout = {
    columns: [widest((finding) => finding.name), widest(versionOf), widest(speedOf)] as const,
    width: Math.min(width, 140),
  };
  const explained = new Set(findings.engines.filter((finding) => !finding.available).map((finding) => finding.name));
  const isMeasured = all.some((finding) => finding.iterationsPerSecond !== undefined);
  return [
    `innerloop ${innerloop}, Node ${node}, ${platform}`,
    "",
    `Engines, for training; auto takes ${resultStyle("bold", auto ?? "none")} (${autoReason})`,
    ...findings.engines.map((finding) => entry(finding, wordsOf(finding), layout)),
    "",
    `Providers, for bundles; auto takes ${resultStyle("bold", autoProvider ?? "none")} (${autoProviderReason})`,
    ...findings.providers.map((finding) => {
      const engine = `onnxruntime:${finding.name}`;
      return entry(finding, explained.has(engine) ? [`as the engine ${engine}`] : wordsOf(finding), layout);
    }),
    "",
    ...inLines(cacheText(findings), layout.width),
    ...(isMeasured
      ? ["", ...inLines(`Speeds: ${measured.engines}; ${measured.providers}.`, layout.width).map(dim)]
      : []),
  ].join("\n");
}

/** Where sessions are kept, and how large that is. */
function cacheText({ cache }: Findings): string {
  if (!cache) return "Cache: off (INNERLOOP_CACHE)";
  const size = cache.files === 0 ? "empty" : `${cache.files} sessions, ${(cache.bytes / 1e6).toFixed(1)} MB`;
  return `Cache: ${size}, in ${cache.folder}; INNERLOOP_CACHE names another folder, or turns it off`;
}

interface Layout {
  /** Characters of the name, the version and the speed. */
  readonly columns: readonly [number, number, number];
  readonly width: number;
}

const dim = (text: string): string => resultStyle("dim", text);
const versionOf = ({ version = "" }: Finding): string => version;
const speedOf = ({ iterationsPerSecond }: Finding): string =>
  iterationsPerSecond === undefined ? "" : `${significant(iterationsPerSecond)}/s`;

/** Three digits, so that 0.0640 and 7.78 can be compared. */
const significant = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** What is said of one, a text a paragraph. */
function wordsOf({ available, auto, reason, remedy, device, onlyByName }: Finding): string[] {
  if (!available) return [reason ?? "it does not work", ...(remedy === undefined ? [] : [`→ ${remedy}`])];
  const facts = [
    auto ? "auto takes it" : undefined,
    device,
    onlyByName === undefined ? undefined : `only by name: ${onlyByName}`,
    reason,
  ];
  return [facts.filter((fact) => fact !== undefined).join("; ") || "it works"];
}

/** A mark, a name, a version and a speed, and beside them the words, in as many lines as they need. */
function entry(finding: Finding, words: readonly string[], { columns, width }: Layout): string {
  const { name, available, auto } = finding;
  const [nameWidth, versionWidth, speedWidth] = columns;
  const shown = auto ? resultStyle("bold", name) : name;
  const cells = [
    `  ${available ? resultStyle("green", "✓") : dim("–")} ${shown}${" ".repeat(nameWidth - name.length)}`,
    ...(versionWidth === 0 ? [] : [versionOf(finding).padEnd(versionWidth)]),
    ...(speedWidth === 0 ? [] : [speedOf(finding).padStart(speedWidth)]),
  ];
  const indent = 4 + columns.filter((width) => width > 0).reduce((sum, width) => sum + width + 2, 0);
  const lines = words.flatMap((text, i) => inLines(text, width - indent).map((line) => (i > 0 ? dim(line) : line)));
  return `${cells.join("  ")}  ${lines.join(`\n${" ".repeat(indent)}`)}`;
}
