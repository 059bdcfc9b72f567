import type { ResourceProblem } from "@weft/contract";
import { renderProblem } from "@weft/control/client";
import type { Clock } from "@weft/kernel";
import type { Log } from "@weft/proxy";
import type { TakenPort } from "./port-guard.ts";

/** What became of the configurations that the processes of a role were given. */
export interface RoleReloads {
  /** When the one in force was put in force, in milliseconds since 1970; 0 for never. */
  readonly appliedAtMs: number;
  /** Configurations that were refused; one that is tried again does not count again. */
  readonly refused: number;
  /** Of those, how many have never been in force. */
  readonly lost: number;
  /** When one was last refused; 0 for never. */
  readonly refusedAtMs: number;
  /** Why the one that was asked for last is not in force; empty while it is. */
  readonly problems: readonly ResourceProblem[];
  /** Listeners of the one in force whose port another process has. */
  readonly unopened: readonly UnopenedListener[];
}

/** A listener that is to be opened as soon as its port is free. */
export interface UnopenedListener extends TakenPort {
  readonly protocol: string;
  readonly isTls: boolean;
  readonly reason: string;
}

/** Keeps what became of configurations, and says each reason once. */
export class ReloadRecord {
  readonly #clock: Clock;
  readonly #log: Log;
  #reloads: RoleReloads = { appliedAtMs: 0, refused: 0, lost: 0, refusedAtMs: 0, problems: [], unopened: [] };
  /** What was said of the configuration at hand. */
  readonly #said = new Set<string>();
  #isRefused: boolean = false;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  get reloads(): RoleReloads {
    return this.#reloads;
  }

  /** Another configuration is asked for. */
  begin(): void {
    this.#isRefused = false;
    this.#said.clear();
  }

  /** Says once of the configuration at hand that a listener is left out. */
  leaveOut(listener: string, reason: string): void {
    if (this.#said.has(reason)) return;
    this.#said.add(reason);
    this.#log.error("a listener is refused; the others are served", { listener, reason });
  }

  accept(unopened: readonly UnopenedListener[] = []): void {
    const { lost } = this.#reloads;
    const appliedAtMs = this.#clock.wallMs();
    this.#reloads = { ...this.#reloads, appliedAtMs, lost: this.#isRefused ? lost - 1 : lost, problems: [], unopened };
    this.#isRefused = false;
  }

  refuse(revision: number, problems: readonly ResourceProblem[]): void {
    const { refused, lost } = this.#reloads;
    this.#reloads = { ...this.#reloads, problems };
    if (!this.#isRefused) {
      this.#isRefused = true;
      this.#reloads = { ...this.#reloads, refused: refused + 1, lost: lost + 1, refusedAtMs: this.#clock.wallMs() };
    }
    for (const reason of problems.map(renderProblem)) {
      if (this.#said.has(reason)) continue;
      this.#said.add(reason);
      this.#log.error("configuration refused; the last one stays", { revision, reason });
    }
  }
}

/** A problem that no resource can be named for. */
export function problemOf(kind: string, value: string, expected: string): ResourceProblem {
  const place = { file: "", line: 0, column: 0, namespace: "", name: "", path: "" };
  return { ...place, kind, value, expected, condition: "Accepted", reason: "Invalid" };
}
