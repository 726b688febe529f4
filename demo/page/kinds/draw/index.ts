// Drawing: strokes on a pad become a picture as the bundle's training pictures are drawn.
import { expectKind, type PageBundle } from "../../../fits.ts";
import { thumbnail } from "../../dom.ts";
import type { Kind } from "../kind.ts";
import { pixels } from "../recording/pixels.ts";
import { Pad } from "./pad.ts";
import { rasterize } from "./raster.ts";
import { samples } from "./samples.ts";
import { boxOf, type Drawing, pathOf, rounded } from "./strokes.ts";
import { drawWords } from "./words.ts";

/** Smaller drawings, by the longer side of their box as a share of the pad, are slips of the pen. */
const smallestDrawing = 0.05;

export function kind({ preprocessing }: PageBundle): Kind<Drawing> {
  const picture = expectKind(preprocessing, "image");
  return {
    words: drawWords,
    helpIcon: "wand",
    record(events) {
      return new Pad(events);
    },
    input(drawing) {
      return rasterize(drawing, picture);
    },
    trial() {
      return [samples[0]!, samples[1]!];
    },
    slight(drawing) {
      const { width, height } = boxOf(drawing);
      return Math.max(width, height) < smallestDrawing;
    },
    portrait(values, drawing) {
      return drawing ? thumbnail(pathOf(drawing)) : pixels(values, picture);
    },
    keep(drawing) {
      return rounded(drawing);
    },
    restore(kept) {
      return isDrawing(kept) ? kept : undefined;
    },
  };
}

function isDrawing(kept: unknown): kept is Drawing {
  const isPoint = (point: unknown): boolean =>
    typeof point === "object" &&
    point !== null &&
    "x" in point &&
    "y" in point &&
    Number.isFinite(point.x) &&
    Number.isFinite(point.y);
  const isStroke = (stroke: unknown): boolean => Array.isArray(stroke) && stroke.length > 0 && stroke.every(isPoint);
  return Array.isArray(kept) && kept.length > 0 && kept.every(isStroke);
}
