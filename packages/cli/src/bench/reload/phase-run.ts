import { systemClock } from "@weft/kernel";
import type { ProgramGroup } from "../program-group.ts";
import { median } from "../statistics.ts";
import type { ConfigFolder } from "./config-folder.ts";
import { CHANGE_SEEN_MS_MAX, WATCH_POLL_MS } from "./limits.ts";
import type { ReloadPlan } from "./plan.ts";
import type { Tally } from "./tally.ts";
import type { TestedProxy } from "./tested-proxy.ts";
import type { Watcher } from "./watcher.ts";

/** What outlives a phase. */
export interface ReloadState {
  readonly config: ConfigFolder;
  /** Replaced in a handover. */
  proxy: TestedProxy;
  /** The last that was written. */
  revision: number;
  rotation: number;
  /** Wrong files so far: each is wrong in another way. */
  wrongFiles: number;
}

/** One phase while it goes on: what its changes need, and what they find out. */
export class PhaseRun {
  readonly group: ProgramGroup;
  readonly plan: ReloadPlan;
  readonly state: ReloadState;
  readonly watchers: readonly Watcher[];
  /** Connections that load generators hold at the moment. */
  loadConnections: number = 0;
  /** Files written, workers killed, proxies replaced. */
  changes: number = 0;
  /** Changes that a client did not see, or that did not go as they should, in words. */
  readonly complaints: string[] = [];
  /** By client: requests that may fail. */
  readonly failedAtMost: Map<string, number> = new Map();
  /** Local ports of connections to workers that were killed. */
  readonly killedPorts: Set<number> = new Set();
  readonly #endMs: number;
  readonly #delays = new Map<Watcher, number[]>();
  readonly #onChange: (change: number) => void;

  constructor(
    group: ProgramGroup,
    plan: ReloadPlan,
    state: ReloadState,
    watchers: readonly Watcher[],
    onChange: (change: number) => void,
  ) {
    this.group = group;
    this.plan = plan;
    this.state = state;
    this.watchers = watchers;
    this.#endMs = systemClock.nowMs() + plan.phaseSeconds * 1_000;
    this.#onChange = onChange;
  }

  /** Makes a change every `periodMs` until the phase is over, `changesMin` in any case. */
  async repeat(periodMs: number, changesMin: number, change: () => Promise<void>): Promise<void> {
    for (let nextMs = systemClock.nowMs(); this.changes < changesMin || nextMs < this.#endMs;) {
      this.#onChange(this.changes + 1);
      await change();
      this.changes++;
      nextMs = Math.max(nextMs + periodMs, systemClock.nowMs());
      await this.group.pause(Math.max(1, nextMs - systemClock.nowMs()));
    }
  }

  /** Waits until each of the watchers has seen a change that is made now. */
  async allSee(
    what: string,
    watchers: readonly Watcher[],
    seenMs: (tally: Tally) => number | undefined,
  ): Promise<void> {
    const madeMs = systemClock.nowMs();
    const isBlind = ({ tally }: Watcher): boolean => seenMs(tally) === undefined;
    while (watchers.some(isBlind)) {
      if (systemClock.nowMs() - madeMs > CHANGE_SEEN_MS_MAX) {
        const names = watchers.filter(isBlind).map(({ name }) => name);
        this.complaints.push(`${what} was not seen within ${CHANGE_SEEN_MS_MAX} ms by ${names.join(", ")}`);
        break;
      }
      await this.group.pause(WATCH_POLL_MS);
    }
    for (const watcher of watchers) {
      const atMs = seenMs(watcher.tally);
      if (atMs !== undefined) this.#delaysOf(watcher).push(atMs - madeMs);
    }
  }

  /** The median time until this client saw a change; null if there was nothing to see. */
  seenAfterMs(watcher: Watcher): number | null {
    const delays = this.#delaysOf(watcher);
    return delays.length === 0 ? null : median(delays);
  }

  /** So many more requests of this client may fail. */
  allowFailures(client: string, count: number): void {
    this.failedAtMost.set(client, (this.failedAtMost.get(client) ?? 0) + count);
  }

  #delaysOf(watcher: Watcher): number[] {
    const delays = this.#delays.get(watcher) ?? [];
    this.#delays.set(watcher, delays);
    return delays;
  }
}
