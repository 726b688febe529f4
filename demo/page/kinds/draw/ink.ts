// What is seen on the pad: ink as it flows, the colour that runs along it once it is known, sparks, and the invitation of an
// empty pad. Draws only while something moves.
import { stillness } from "../../dom.ts";
import { type Drawing, lengthOf, type Point, type Stroke } from "./strokes.ts";

/** Shares of the pad's side. */
const penWidth = 0.03;
const spark = 0.012;

/** Milliseconds. */
const traceTime = 520;
const sparksTime = 750;
const invitationTime = 4200;

interface Trace {
  readonly colour: string;
  readonly since: number;
}

interface Spark {
  readonly from: Point;
  readonly angle: number;
  readonly speed: number;
}

export class Ink {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #drawing: Drawing = [];
  #invitation: { readonly drawing: Drawing; readonly since: number } | undefined;
  #trace: Trace | undefined;
  #sparks: { readonly sparks: readonly Spark[]; readonly colour: string; readonly since: number } | undefined;
  #pen: { readonly at: Point; readonly down: boolean } | undefined;
  #faint = false;
  #frame = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d")!;
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** Shows a drawing in plain ink. */
  show(drawing: Drawing): void {
    this.#drawing = drawing;
    this.#trace = undefined;
    this.#faint = false;
    this.#invitation = undefined;
    this.refresh();
  }

  /** Draws a symbol again and again, faintly, until something is shown. */
  invite(drawing: Drawing): void {
    this.#invitation = { drawing, since: performance.now() };
    this.refresh();
  }

  /** Lets a colour run along the ink. */
  colour(colour: string): void {
    this.#trace = { colour, since: performance.now() };
    this.refresh();
  }

  /** The ink fades: nobody knows what it is. */
  fade(): void {
    this.#faint = true;
    this.refresh();
  }

  /** Sparks fly from the ink. */
  sparkle(colour: string): void {
    if (stillness()) return;
    const points = this.#drawing.flat();
    const sparks = Array.from({ length: 26 }, () => ({
      from: points[Math.floor(Math.random() * points.length)] ?? { x: 0.5, y: 0.5 },
      angle: Math.random() * 2 * Math.PI,
      speed: 0.05 + 0.11 * Math.random(),
    }));
    this.#sparks = { sparks, colour, since: performance.now() };
    this.refresh();
  }

  /** The pen of somebody who draws with the keyboard. */
  pen(at: Point | undefined, down = false): void {
    this.#pen = at && { at, down };
    this.refresh();
  }

  /** Draws anew, as after a change of theme. */
  refresh(): void {
    this.#frame ||= requestAnimationFrame((now) => this.#draw(now));
  }

  #resize(): void {
    const { width, height } = this.#canvas.getBoundingClientRect();
    const ratio = Math.min(3, devicePixelRatio);
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.refresh();
  }

  #draw(now: number): void {
    this.#frame = 0;
    const { width: side } = this.#canvas;
    const ink = getComputedStyle(this.#canvas).color;
    const still = stillness();
    let moving = false;
    this.#context.clearRect(0, 0, side, this.#canvas.height);

    if (this.#invitation) moving = this.#drawInvitation(now, ink, still) || moving;

    this.#context.globalAlpha = this.#faint ? 0.38 : 1;
    this.#strokes(this.#drawing, ink);
    this.#context.globalAlpha = 1;

    if (this.#trace) {
      const { colour, since } = this.#trace;
      const share = still ? 1 : Math.min(1, (now - since) / traceTime);
      const eased = 1 - (1 - share) ** 3;
      this.#context.shadowColor = colour;
      this.#context.shadowBlur = side * 0.035;
      this.#strokes(beginning(this.#drawing, eased * lengthOf(this.#drawing)), colour);
      this.#context.shadowBlur = 0;
      moving ||= share < 1;
    }
    if (this.#sparks) moving = this.#drawSparks(now) || moving;
    if (this.#pen) this.#drawPen(ink);
    if (moving) this.refresh();
  }

  /** A faint symbol that a point of light draws, over and over; whether it moves on. */
  #drawInvitation(now: number, ink: string, still: boolean): boolean {
    const { drawing, since } = this.#invitation!;
    const { width: side } = this.#canvas;
    const turn = ((now - since) % invitationTime) / invitationTime;
    const share = still ? 1 : Math.min(1, turn / 0.55);
    const fading = still ? 1 : turn < 0.8 ? 1 : (1 - turn) / 0.2;
    const drawn = beginning(drawing, (1 - (1 - share) ** 2) * lengthOf(drawing));
    this.#context.globalAlpha = 0.2 * fading;
    this.#context.setLineDash([side * 0.004, side * 0.032]);
    this.#strokes(drawn, ink, 0.018);
    this.#context.setLineDash([]);
    const tip = drawn.at(-1)?.at(-1);
    if (tip && !still && turn < 0.8) {
      this.#context.globalAlpha = 0.55 * fading;
      this.#dot(tip, 0.016, ink);
    }
    this.#context.globalAlpha = 1;
    return !still;
  }

  #drawSparks(now: number): boolean {
    const { sparks, colour, since } = this.#sparks!;
    const share = Math.min(1, (now - since) / sparksTime);
    const far = 1 - (1 - share) ** 3;
    this.#context.globalAlpha = 1 - share;
    for (const { from, angle, speed } of sparks) {
      const at = { x: from.x + Math.cos(angle) * speed * far, y: from.y + Math.sin(angle) * speed * far };
      this.#dot(at, spark * (1 - 0.6 * share), colour);
    }
    this.#context.globalAlpha = 1;
    if (share === 1) this.#sparks = undefined;
    return share < 1;
  }

  #drawPen(ink: string): void {
    const { at, down } = this.#pen!;
    const { width: side } = this.#canvas;
    this.#context.strokeStyle = ink;
    this.#context.lineWidth = Math.max(1.5, side * 0.004);
    const [x, y, arm] = [at.x * side, at.y * side, side * 0.035];
    this.#context.beginPath();
    this.#context.moveTo(x - arm, y);
    this.#context.lineTo(x + arm, y);
    this.#context.moveTo(x, y - arm);
    this.#context.lineTo(x, y + arm);
    this.#context.stroke();
    this.#context.beginPath();
    this.#context.arc(x, y, arm * 0.6, 0, 2 * Math.PI);
    this.#context.stroke();
    if (down) this.#dot(at, penWidth / 2, ink);
  }

  #dot({ x, y }: Point, radius: number, colour: string): void {
    const { width: side } = this.#canvas;
    this.#context.fillStyle = colour;
    this.#context.beginPath();
    this.#context.arc(x * side, y * side, radius * side, 0, 2 * Math.PI);
    this.#context.fill();
  }

  #strokes(drawing: Drawing, colour: string, width = penWidth): void {
    const { width: side } = this.#canvas;
    this.#context.strokeStyle = colour;
    this.#context.lineWidth = width * side;
    this.#context.lineCap = "round";
    this.#context.lineJoin = "round";
    // One path for all: where strokes cross, faint ink is no darker.
    this.#context.beginPath();
    for (const [first, ...rest] of drawing) {
      if (!first) continue;
      this.#context.moveTo(first.x * side, first.y * side);
      // Through the middles of a pen's points, bent towards the points themselves: no corners where there were none.
      rest.forEach((point, i) => {
        const next = rest[i + 1] ?? point;
        const [x, y] = [(point.x + next.x) / 2, (point.y + next.y) / 2];
        this.#context.quadraticCurveTo(point.x * side, point.y * side, x * side, y * side);
      });
      if (rest.length === 0) this.#context.lineTo(first.x * side, first.y * side + 0.01);
    }
    this.#context.stroke();
  }
}

/** As much of a drawing as a pen draws in a way of some length. */
export function beginning(drawing: Drawing, length: number): Drawing {
  let left = length;
  const begun: Stroke[] = [];
  for (const stroke of drawing) {
    if (left <= 0) break;
    const part = stroke.slice(0, 1);
    for (let i = 1; i < stroke.length && left > 0; i++) {
      const [from, to] = [stroke[i - 1]!, stroke[i]!];
      const step = Math.hypot(to.x - from.x, to.y - from.y);
      const share = Math.min(1, left / Math.max(step, 1e-9));
      part.push({ x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share });
      left -= step;
    }
    begun.push(part);
  }
  return begun;
}
