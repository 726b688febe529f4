// Samples as lines: a lane for each channel, one scale for all that measure the same.
import { svg } from "../../dom.ts";

/** m/s², and degrees a second: less than this fills no lane. */
const least = [6, 120];

/**
 * The data of an SVG path for each channel, in a box of 100 × 100.
 *
 * @param data channel after channel of each sample
 * @param width share of the box that the samples take, from its left
 */
export function lanes(data: ArrayLike<number>, channels: number, width = 1, smallest = least): string[] {
  const count = Math.floor(data.length / channels);
  const ranges = Array.from({ length: channels }, (_, channel) => {
    let [low, high] = [Infinity, -Infinity];
    for (let sample = 0; sample < count; sample++) {
      low = Math.min(low, data[sample * channels + channel]!);
      high = Math.max(high, data[sample * channels + channel]!);
    }
    return { middle: (low + high) / 2, span: high - low };
  });
  const height = 100 / channels;
  return ranges.map(({ middle }, channel) => {
    const group = Math.floor(channel / 3);
    const span = Math.max(smallest[group] ?? 0, ...ranges.slice(3 * group, 3 * group + 3).map((range) => range.span));
    const points = Array.from({ length: count }, (_, sample) => {
      const x = (100 * width * sample) / Math.max(1, count - 1);
      const y = height * (channel + 0.5 - (0.84 * (data[sample * channels + channel]! - middle)) / (span || 1));
      return `${x.toFixed(1)} ${y.toFixed(1)}`;
    });
    return points.length > 0 ? `M${points.join("L")}` : "";
  });
}

/** Lines that keep their width however the picture is stretched. */
export function tracePicture(paths: readonly string[], kind: string): SVGSVGElement {
  return svg(
    "svg",
    { class: kind, viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
    ...paths.map((d) => svg("path", { d, "vector-effect": "non-scaling-stroke" })),
  );
}
