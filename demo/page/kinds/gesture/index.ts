// Gestures: what a phone's motion sensors say while it is moved, or a pointer that stands in for them.
import { expectKind, type PageBundle, usualMotionRate } from "../../../fits.ts";
import type { Kind } from "../kind.ts";
import { lengthened, liveliness, type Motion } from "./motion.ts";
import { GestureRecorder } from "./recorder.ts";
import { sample } from "./samples.ts";
import { lanes, tracePicture } from "./traces.ts";
import { gestureWords } from "./words.ts";

/** m/s²: a phone that lies still trembles by less. */
const stillest = 0.25;

export function kind({ preprocessing }: PageBundle): Kind<Motion> {
  const { length, channels, rate } = expectKind(preprocessing, "window");
  const seconds = length / (rate ?? usualMotionRate);
  return {
    words: gestureWords,
    helpIcon: "wand",
    record(events) {
      return new GestureRecorder(seconds, channels, events);
    },
    input(motion) {
      return lengthened(motion, seconds);
    },
    trial() {
      return [sample(0, seconds, channels, true), sample(1, seconds, channels, true)];
    },
    slight(motion) {
      return liveliness(motion) < stillest;
    },
    portrait(values) {
      return tracePicture(lanes(values, channels, 1, []), "thumb traces");
    },
    keep() {
      return undefined;
    },
    restore() {
      return undefined;
    },
  };
}
