// The door of what makes products of windows into products at points (Toom, Cook, Winograd): which are taken, by what they cost, and what steps they become.
export { placesAtPoints } from "./places.ts";
export { planesAtPoints } from "./planes.ts";
export { weightGradientsAtPoints } from "./weight-gradients.ts";
export { windowsAtPoints } from "./windows.ts";
