// Units that people write behind numbers in tables, or before them, and which of them are measures of the same.

/** How a number of a unit becomes one of its measure's first unit: number × factor + shift. */
type Factor = number | readonly [factor: number, shift: number];

/** Units by what they measure. */
export type Measure = Readonly<Record<string, Factor>>;

const measures: Readonly<Record<string, Readonly<Record<string, number | readonly [factor: number, shift: number]>>>> =
  {
    length: {
      ...{ m: 1, nm: 1e-9, µm: 1e-6, um: 1e-6, mm: 1e-3, cm: 1e-2, dm: 1e-1, km: 1e3 },
      ...{ in: 0.0254, inch: 0.0254, inches: 0.0254, '"': 0.0254, ft: 0.3048, yd: 0.9144, mi: 1609.344 },
    },
    mass: { g: 1, µg: 1e-6, ug: 1e-6, mg: 1e-3, kg: 1e3, lb: 453.59237, lbs: 453.59237, oz: 28.349523125 },
    time: { s: 1, sec: 1, ns: 1e-9, µs: 1e-6, us: 1e-6, ms: 1e-3, min: 60, h: 3600, hr: 3600, d: 86400, days: 86400 },
    volume: { l: 1, L: 1, ml: 1e-3, mL: 1e-3, cl: 1e-2, dl: 1e-1 },
    area: { "m²": 1, m2: 1, "cm²": 1e-4, cm2: 1e-4, "mm²": 1e-6, mm2: 1e-6, "km²": 1e6, km2: 1e6, ha: 1e4 },
    speed: { "m/s": 1, "km/h": 1 / 3.6, kmh: 1 / 3.6, mph: 0.44704 },
    temperature: {
      K: 1,
      "°C": [1, 273.15],
      "℃": [1, 273.15],
      "°F": [5 / 9, 459.67 * (5 / 9)],
      "℉": [5 / 9, 459.67 * (5 / 9)],
    },
    frequency: { Hz: 1, kHz: 1e3, MHz: 1e6, GHz: 1e9 },
    voltage: { V: 1, µV: 1e-6, uV: 1e-6, mV: 1e-3, kV: 1e3 },
    current: { A: 1, µA: 1e-6, uA: 1e-6, mA: 1e-3 },
    power: { W: 1, mW: 1e-3, kW: 1e3, MW: 1e6 },
    pressure: { Pa: 1, hPa: 100, kPa: 1e3, mbar: 100, bar: 1e5 },
    angle: { rad: 1, "°": Math.PI / 180, deg: Math.PI / 180 },
    share: { "%": 1, "‰": 0.1 },
    storage: { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
    dollars: { $: 1, USD: 1 },
    euros: { "€": 1, EUR: 1 },
    pounds: { "£": 1, GBP: 1 },
    yen: { "¥": 1, JPY: 1 },
    // A number with nothing behind it is one of these.
    count: { "": 1, k: 1e3, K: 1e3, M: 1e6, bn: 1e9 },
  };

export const isUnit = (name: string): boolean => measureOf([name]) !== undefined;

/** What numbers of all these units measure; nothing where there is no such thing. The empty text is a number without a unit. */
export const measureOf = (names: readonly string[]): Measure | undefined =>
  Object.values(measures).find((measure) => names.every((name) => Object.hasOwn(measure, name)));

/** A number of one unit as a number of another of the measure. */
export function converted(value: number, from: string, to: string, measure: Measure | undefined): number {
  if (from === to || measure === undefined) return value;
  const [factor, shift] = parts(measure[from]!);
  const [by, less] = parts(measure[to]!);
  return (value * factor + shift - less) / by;
}

const parts = (factor: Factor): readonly [number, number] => (typeof factor === "number" ? [factor, 0] : factor);
