// Procedural sounds: as many as anyone asks for. A sound is a few parts, as a word, a whistle, knocks or a hum have them; every
// example is one take of them, by another voice, in another room, before another microphone.
import { type Random, random } from "../../random.ts";
import { type Formants, type Part, recorded } from "./synthesis.ts";

// Streams of `random`, so that a class and its takes are functions of their numbers alone.
const classStream = 0x746f6e65;
const takeStream = 0x74616b65;

/**
 * One take of a sound: class `id` as number `take` would be. Any two integers give one, always the same.
 *
 * @returns half a second to three seconds at `TONE_RATE`, between −1 and 1
 */
export function drawTone(id: number, take: number): Float32Array {
  return taken(partsOf(id), random(takeStream, id, take));
}

// --- A class -------------------------------------------------------------------------------------------------------

const recent: { id: number; parts: readonly Part[] } = { id: -1, parts: [] };

/** The ideal parts of a class. The last class is remembered: takes come in rows. */
function partsOf(id: number): readonly Part[] {
  if (recent.id !== id) Object.assign(recent, { id, parts: compose(random(classStream, id)) });
  return recent.parts;
}

function compose(rng: Random): readonly Part[] {
  const kind = rng.uniform();
  if (kind < 0.55) return word(rng);
  if (kind < 0.7) return whistle(rng);
  if (kind < 0.82) return knocks(rng);
  if (kind < 0.91) return hum(rng);
  return rustle(rng);
}

/** A part without its place in time: it begins a `gap` after the one before it has ended. */
type Placed = Omit<Part, "at"> & { readonly gap: number };

function inTurn(parts: readonly Placed[]): readonly Part[] {
  let end = 0;
  return parts.map(({ gap, ...part }) => {
    const at = Math.max(0, end + gap);
    end = at + part.seconds;
    return { ...part, at };
  });
}

const several = (count: number, make: (index: number) => Placed): readonly Part[] =>
  inTurn(Array.from({ length: count }, (_, index) => make(index)));

const evenly = (rng: Random, low: number, high: number): number => Math.exp(rng.uniform(Math.log(low), Math.log(high)));

/** What a part is unless it says otherwise. */
const plain = { gap: 0, level: 1, voice: 0, hiss: 0, whistle: 0, pitch: [1, 1], decay: 0, flutter: 0 } as const;

/** Consonants and vowels in turn, mostly. */
function word(rng: Random): readonly Part[] {
  const count = 2 + rng.integer(5);
  const melody = rng.uniform(-0.2, 0.25);
  let vowelNext = rng.uniform() < 0.35;
  let before: Formants | undefined;
  return several(count, (index) => {
    const height = 1 + (melody * index) / count;
    const phone = vowelNext ? vowel(rng, height, before) : consonant(rng, height);
    vowelNext = rng.uniform() < (vowelNext ? 0.1 : 0.85);
    before = phone.to;
    return phone;
  });
}

/** Somewhere between the corners that vowels have: open or not, in front or in the back. */
function vowelFormants(rng: Random): Formants {
  const [open, front] = [rng.uniform(), rng.uniform()];
  return [
    { hertz: 280 + 550 * open, width: 80, gain: 1 },
    { hertz: 750 + 350 * open + 1550 * front * (1 - 0.35 * open), width: 110, gain: 0.55 },
    { hertz: 2350 + 700 * front + rng.normal(0, 80), width: 170, gain: 0.28 },
  ];
}

function vowel(rng: Random, height: number, before?: Formants): Placed {
  const to = vowelFormants(rng);
  const start = rng.uniform() < 0.3 ? vowelFormants(rng) : (before ?? to);
  const from = to.map((formant, i) => ({ ...formant, hertz: (formant.hertz + start[i]!.hertz) / 2 }));
  const pitch = [height * rng.uniform(0.95, 1.05), height * rng.uniform(0.9, 1.1)] as const;
  return { ...plain, gap: -0.015, seconds: rng.uniform(0.09, 0.26), voice: 1, hiss: 0.03, pitch, from, to };
}

function consonant(rng: Random, height: number): Placed {
  const kind = rng.integer(3);
  const pitch = [height, height] as const;
  if (kind === 0) {
    // s, sh, f; with a voice z, v.
    const noise = band(evenly(rng, 1500, 6500), rng.uniform(0.15, 0.5));
    const [level, voice] = [rng.uniform(0.1, 0.5), rng.uniform() < 0.3 ? 0.4 : 0];
    const seconds = rng.uniform(0.06, 0.18);
    return { ...plain, gap: -0.015, seconds, level, voice, hiss: 1, pitch, from: noise, to: noise };
  }
  if (kind === 1) {
    // m, n, l, r, w: a voice through less of a mouth.
    const mouth: Formants = [
      { hertz: rng.uniform(230, 400), width: 70, gain: 1 },
      { hertz: rng.uniform(900, 2200), width: 180, gain: rng.uniform(0.05, 0.3) },
      { hertz: 2600, width: 250, gain: 0.06 },
    ];
    const [level, seconds] = [rng.uniform(0.3, 0.6), rng.uniform(0.05, 0.13)];
    return { ...plain, gap: -0.015, seconds, level, voice: 1, hiss: 0.02, pitch, from: mouth, to: mouth };
  }
  // p, t, k: nothing, and then all at once.
  const noise = band(evenly(rng, 700, 5000), 0.4);
  const [level, decay, gap] = [rng.uniform(0.3, 0.9), rng.uniform(0.008, 0.03), rng.uniform(0.03, 0.09)];
  return { ...plain, gap, seconds: 0.06, level, hiss: 1, decay, from: noise, to: noise };
}

/** Noise of a band, and a little beside it. */
const band = (hertz: number, width: number): Formants => [
  { hertz, width: width * hertz, gain: 1 },
  { hertz: Math.min(7500, hertz * 1.6), width: 1.5 * width * hertz, gain: 0.35 },
  { hertz: hertz / 2, width: width * hertz, gain: 0.15 },
];

/** Pure tones that glide: whistles, birds, beeps. */
function whistle(rng: Random): readonly Part[] {
  let hertz = evenly(rng, 500, 3500);
  const flutter = rng.uniform() < 0.25 ? rng.uniform(8, 25) : 0;
  const beeps = rng.uniform() < 0.3;
  return several(1 + rng.integer(4), () => {
    const to = beeps ? hertz : Math.min(6000, Math.max(300, hertz * Math.exp(rng.normal(0, 0.35))));
    const pitch = [hertz, to] as const;
    hertz = Math.min(5000, Math.max(350, to * Math.exp(rng.normal(0, 0.3))));
    const gap = rng.uniform() < 0.5 ? 0 : rng.uniform(0.03, 0.12);
    return { ...plain, gap, seconds: rng.uniform(0.08, 0.4), whistle: 1, hiss: 0.04, pitch, flutter, ...open };
  });
}

/** What changes the sound of a source little. */
const wide: Formants = [{ hertz: 1500, width: 6000, gain: 1 }];
const open = { from: wide, to: wide };

/** Claps, knocks, clicks, a thing that rings: in a rhythm. */
function knocks(rng: Random): readonly Part[] {
  const body = band(evenly(rng, 150, 5000), evenly(rng, 0.03, 0.8));
  const decay = evenly(rng, 0.006, 0.12);
  const ringing = rng.uniform() < 0.3 ? 1 : 0;
  const pitch = evenly(rng, 300, 4000);
  return several(1 + rng.integer(5), () => ({
    ...plain,
    gap: rng.uniform() < 0.6 ? rng.uniform(0.02, 0.12) : rng.uniform(0.15, 0.3),
    seconds: Math.min(0.5, 5 * decay),
    ...{ hiss: 1, whistle: 0.7 * ringing, pitch: [pitch, pitch] as const, decay, from: body, to: body },
  }));
}

/** A voice that holds its notes. */
function hum(rng: Random): readonly Part[] {
  let height = 1;
  const flutter = rng.uniform() < 0.3 ? rng.uniform(4, 15) : 0;
  const mouth = vowelFormants(rng);
  return several(1 + rng.integer(3), () => {
    const to = height * (rng.uniform() < 0.5 ? 1 : Math.exp(rng.normal(0, 0.2)));
    const pitch = [height, to] as const;
    height *= 2 ** (rng.integer(15) / 12 - 7 / 12);
    const next = rng.uniform() < 0.4 ? vowelFormants(rng) : mouth;
    return { ...plain, seconds: rng.uniform(0.15, 0.5), voice: 1, hiss: 0.05, pitch, flutter, from: mouth, to: next };
  });
}

/** Noise that is held: hissing, blowing, scratching, tearing. */
function rustle(rng: Random): readonly Part[] {
  const flutter = rng.uniform() < 0.6 ? evenly(rng, 3, 30) : 0;
  return several(1 + rng.integer(3), () => {
    const [from, to] = [band(evenly(rng, 300, 5500), rng.uniform(0.1, 0.9)), band(evenly(rng, 300, 5500), 0.5)];
    const gap = rng.uniform(0, 0.1);
    return {
      ...plain,
      gap,
      seconds: rng.uniform(0.1, 0.45),
      hiss: 1,
      flutter,
      from,
      to: rng.uniform() < 0.4 ? to : from,
    };
  });
}

// --- An example ----------------------------------------------------------------------------------------------------

/** One take: no part as long, as loud or as high as it was meant. */
function taken(parts: readonly Part[], rng: Random): Float32Array {
  const pace = Math.exp(rng.normal(0, 0.18));
  const mouth = Math.exp(rng.normal(0, 0.12));
  const voice = evenly(rng, 80, 320);
  const key = Math.exp(rng.normal(0, 0.09));
  const melody = rng.normal(0, 0.08);
  const performed = parts.map((part): Part => {
    // What is pure sounds at its own height, whoever makes it; a voice at the speaker's.
    const height = part.voice > 0 ? voice * (1 + melody * part.at) : key;
    const off = height * Math.exp(rng.normal(0, 0.025));
    const spoken = (formants: Formants): Formants =>
      formants.map(({ hertz, width, gain }) => ({
        hertz: hertz * mouth * Math.exp(rng.normal(0, 0.06)),
        width: width * Math.exp(rng.normal(0, 0.1)),
        gain: gain * Math.exp(rng.normal(0, 0.25)),
      }));
    return {
      ...part,
      at: part.at / pace + Math.abs(rng.normal(0, 0.012)),
      seconds: (part.seconds / pace) * Math.exp(rng.normal(0, 0.18)),
      level: part.level * Math.exp(rng.normal(0, 0.35)),
      decay: part.decay * Math.exp(rng.normal(0, 0.15)),
      flutter: part.flutter * Math.exp(rng.normal(0, 0.08)),
      pitch: [part.pitch[0] * off, part.pitch[1] * off],
      from: spoken(part.from),
      to: spoken(part.to),
    };
  });
  return recorded(performed, rng);
}
