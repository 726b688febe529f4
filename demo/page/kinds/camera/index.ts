// Pictures: what a camera sees in the middle of its view, or, for a bundle of drawings, what is drawn on a card before it.
import { expectKind, type PageBundle } from "../../../fits.ts";
import type { Kind } from "../kind.ts";
import { pixels } from "../recording/pixels.ts";
import { cardIn } from "./card.ts";
import { contrast, type Snapshot } from "./picture.ts";
import { CameraRecorder } from "./recorder.ts";
import { cameraWords } from "./words.ts";

/** The deviation of pixels below which there is nothing to be seen, as with a covered lens. */
const plainest = 0.02;

export function kind({ preprocessing, ink }: PageBundle): Kind<Snapshot> {
  const how = expectKind(preprocessing, "image");
  return {
    words: cameraWords(ink),
    helpIcon: "load",
    record(events) {
      return new CameraRecorder(ink, events);
    },
    input(snapshot) {
      return (ink && cardIn(snapshot)) || snapshot;
    },
    trial() {
      return [halves(0), halves(1)];
    },
    slight(snapshot) {
      return contrast(snapshot) < plainest || (ink && !cardIn(snapshot));
    },
    portrait(values) {
      return pixels(values, how);
    },
    keep() {
      return undefined;
    },
    restore() {
      return undefined;
    },
  };
}

/** A picture of two halves, dark and light: upper and lower, or left and right. */
function halves(which: number): Snapshot {
  const side = 32;
  const data = Uint8ClampedArray.from({ length: 4 * side * side }, (_, i) => {
    const pixel = Math.floor(i / 4);
    const place = which === 0 ? pixel % side : Math.floor(pixel / side);
    return i % 4 === 3 || place < side / 2 ? 255 : 40;
  });
  return { width: side, height: side, data };
}
