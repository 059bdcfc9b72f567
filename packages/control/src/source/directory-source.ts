import type { Feed, Feeds, ReloadStatus, ResourceProblem, ResourceStatus, Subscription, World } from "@weft/contract";
import { type Clock, systemClock, type TimerHandle, WeftError } from "@weft/kernel";
import { WORLD_DEFAULTS, type WorldDefaults } from "../compile/defaults.ts";
import { shareWorld } from "../compile/share.ts";
import type { ControlErrorCode } from "../errors.ts";
import { WATCH_DELAY_MS_MAX, WATCH_POLL_MS, WATCH_QUIET_MS } from "../limits.ts";
import { resourceStatuses } from "../status/resource-status.ts";
import { FolderReader } from "./folder-reader.ts";
import { FolderWatch } from "./folder-watch.ts";
import { QuietTimer } from "./quiet-timer.ts";
import { ReloadHistory } from "./reload-history.ts";
import { ResourceReader, type ResourceReading } from "./resource-reader.ts";
import { ValueFeed } from "./value-feed.ts";
import { createWorldFeeds, type WorldFeeds } from "./world-feeds.ts";

/** How a folder is followed; every field has a default. */
export interface DirectoryOptions {
  readonly clock?: Clock;
  readonly defaults?: WorldDefaults;
  /** Quiet time after a change before files are read. */
  readonly quietMs?: number;
  /** Period of the look that needs no file events. */
  readonly pollMs?: number;
}

/** What came of one reading. */
export interface ReloadOutcome {
  /** True if what is on disk is what runs now. */
  readonly isApplied: boolean;
  readonly problems: readonly ResourceProblem[];
}

/** A folder (or file) of resources that is watched: a source of worlds. */
export interface DirectorySource extends Feeds {
  /** What runs; null until the first set without problems. */
  readonly world: World | null;
  /** Every world that is applied. */
  readonly worlds: Feed<World>;
  /** What is wrong with the files as they are; empty when all is well. */
  readonly problems: readonly ResourceProblem[];
  /** Settles after the first reading, whatever came of it. */
  readonly ready: Promise<ReloadOutcome>;
  /** Told the problems whenever they change, at once if there are any, and an empty list when they are gone. */
  onProblem(onProblems: (problems: readonly ResourceProblem[]) => void): Subscription;
  /** Conditions of the resources that were read last. */
  status(): readonly ResourceStatus[];
  /** How the versions of the files were taken so far. */
  reloads(): ReloadStatus;
  /** Reads now, without waiting for a quiet time. */
  reload(): Promise<ReloadOutcome>;
  /** Ends watching. The feeds keep their values. */
  close(): void;
}

/**
 * Follows the resource files below `path`: a folder, a file, or several of them. A set of files is applied whole or
 * not at all: while anything in it is wrong, what ran before goes on and the problems say why.
 *
 * Files are read when they have been quiet for `quietMs`, or have changed without a pause for `WATCH_DELAY_MS_MAX`,
 * and again when they change during the reading. File events tell when; a look every `pollMs` finds what they miss.
 * A folder that disappears, an empty folder and an empty file are problems, not the wish to remove everything. Replace
 * files by renaming a finished one over them: a writer that pauses between two documents looks like one that is done.
 *
 * @example
 * const source = watchDirectory("/etc/weft");
 * source.onProblem((problems) => problems.forEach((problem) => console.error(renderProblem(problem))));
 * await source.ready;
 */
export function watchDirectory(path: string | readonly string[], options: DirectoryOptions = {}): DirectorySource {
  return new FolderSource(typeof path === "string" ? [path] : path, options);
}

class FolderSource implements DirectorySource {
  readonly ready: Promise<ReloadOutcome>;
  readonly worlds: ValueFeed<World> = new ValueFeed();
  readonly #roots: readonly string[];
  readonly #clock: Clock;
  readonly #pollMs: number;
  readonly #feeds: WorldFeeds = createWorldFeeds();
  readonly #problems: ValueFeed<readonly ResourceProblem[]> = new ValueFeed();
  readonly #history: ReloadHistory;
  readonly #reader: ResourceReader;
  readonly #watch: FolderWatch;
  readonly #quietTimer: QuietTimer;
  #reading: ResourceReading | null = null;
  #running: Promise<ReloadOutcome> | null = null;
  #pollTimer: TimerHandle | null = null;
  #isClosed: boolean = false;

  constructor(roots: readonly string[], options: DirectoryOptions) {
    this.#roots = roots;
    this.#clock = options.clock ?? systemClock;
    this.#pollMs = options.pollMs ?? WATCH_POLL_MS;
    this.#history = new ReloadHistory(this.#clock);
    this.#reader = new ResourceReader(
      new FolderReader(roots, this.#clock),
      options.defaults ?? WORLD_DEFAULTS,
      this.#clock,
    );
    this.#quietTimer = new QuietTimer(this.#clock, options.quietMs ?? WATCH_QUIET_MS, WATCH_DELAY_MS_MAX, () => {
      void this.#run();
    });
    this.#watch = new FolderWatch(() => {
      if (!this.#isClosed) this.#quietTimer.hint();
    });
    this.ready = this.#run();
  }

  get settings(): WorldFeeds["settings"] {
    return this.#feeds.settings;
  }

  get listeners(): WorldFeeds["listeners"] {
    return this.#feeds.listeners;
  }

  get routes(): WorldFeeds["routes"] {
    return this.#feeds.routes;
  }

  get clusters(): WorldFeeds["clusters"] {
    return this.#feeds.clusters;
  }

  get world(): World | null {
    return this.#feeds.world;
  }

  get problems(): readonly ResourceProblem[] {
    return this.#problems.value ?? [];
  }

  onProblem(onProblems: (problems: readonly ResourceProblem[]) => void): Subscription {
    return this.#problems.subscribe(onProblems);
  }

  status(): readonly ResourceStatus[] {
    return this.#reading === null ? [] : resourceStatuses(this.#reading);
  }

  reloads(): ReloadStatus {
    return this.#history.status();
  }

  async reload(): Promise<ReloadOutcome> {
    // A reading under way may have passed the file that the caller has just written.
    if (this.#running !== null) await this.#running;
    if (this.#isClosed) {
      throw new WeftError<ControlErrorCode>("CONTROL_SOURCE_CLOSED", "Cannot read resources: the source is closed", {
        roots: this.#roots,
      });
    }
    return this.#run();
  }

  close(): void {
    this.#isClosed = true;
    this.#quietTimer.clear();
    if (this.#pollTimer !== null) this.#clock.clearTimer(this.#pollTimer);
    this.#pollTimer = null;
    this.#watch.close();
    this.#reader.close();
  }

  /** One reading at a time; who comes during one gets the next. */
  #run(): Promise<ReloadOutcome> {
    if (this.#running !== null) return this.#running.then(() => (this.#isClosed ? this.#outcome() : this.#run()));
    this.#quietTimer.clear();
    const running = this.#readOnce().finally(() => {
      this.#running = null;
      this.#schedulePoll();
    });
    this.#running = running;
    return running;
  }

  #schedulePoll(): void {
    if (this.#pollTimer !== null) this.#clock.clearTimer(this.#pollTimer);
    this.#pollTimer = null;
    if (this.#isClosed) return;
    this.#pollTimer = this.#clock.setTimer(() => {
      this.#pollTimer = null;
      void this.#run();
    }, this.#pollMs);
  }

  async #readOnce(): Promise<ReloadOutcome> {
    const revision = (this.world?.revision ?? 0) + 1;
    const reading = await this.#reader.read(revision, this.#reading);
    if (this.#isClosed) return this.#outcome();
    if (this.#watch.follow(reading.folders, [...this.#roots, ...reading.attachmentPaths])) this.#quietTimer.hint();
    if (reading.isUnchanged) return this.#outcome();
    this.#reading = reading;
    this.#history.add(reading.problems);
    if (reading.problems.length === 0) this.#apply(reading.world);
    if (reading.problems.length > 0 || this.problems.length > 0) this.#problems.publish(reading.problems);
    return this.#outcome();
  }

  #apply(next: World): void {
    const previous = this.world;
    const shared = shareWorld(previous, next);
    const isSame =
      previous !== null &&
      shared.settings === previous.settings &&
      shared.listeners === previous.listeners &&
      shared.routeTables === previous.routeTables &&
      shared.clusters === previous.clusters;
    // Comments, order and the like: no new revision.
    if (isSame) return;
    this.#feeds.publish(shared);
    this.worlds.publish(shared);
  }

  #outcome(): ReloadOutcome {
    return { isApplied: this.world !== null && this.problems.length === 0, problems: this.problems };
  }
}
