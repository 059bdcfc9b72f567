import type { ReloadStatus, ResourceProblem } from "@weft/contract";
import type { Clock } from "@weft/kernel";

/** Counts what came of each reading that found something new. */
export class ReloadHistory {
  readonly #clock: Clock;
  #applied: number = 0;
  #refused: number = 0;
  #appliedAtMs: number = 0;
  #refusedAtMs: number = 0;
  #problems: readonly ResourceProblem[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the outcome of a reading: no problems mean that what was read is in force. */
  add(problems: readonly ResourceProblem[]): void {
    this.#problems = problems;
    if (problems.length === 0) {
      this.#applied++;
      this.#appliedAtMs = this.#clock.wallMs();
    } else {
      this.#refused++;
      this.#refusedAtMs = this.#clock.wallMs();
    }
  }

  status(): ReloadStatus {
    return {
      isCurrent: this.#applied > 0 && this.#problems.length === 0,
      applied: this.#applied,
      refused: this.#refused,
      appliedAtMs: this.#appliedAtMs,
      refusedAtMs: this.#refusedAtMs,
      problems: this.#problems,
    };
  }
}
