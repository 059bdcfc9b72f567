import type { AccessLogSettings } from "@weft/contract";
import { type Clock, type Random, Ring, type TimerHandle } from "@weft/kernel";
import type { Log } from "../log.ts";
import type { AccessRecord } from "./access-record.ts";
import { AppendFile } from "./append-file.ts";
import { encodeRecord } from "./encode-record.ts";
import {
  ACCESS_LOG_BATCH_RECORDS_MAX,
  ACCESS_LOG_CLOSE_MS,
  ACCESS_LOG_FLUSH_MS,
  ACCESS_LOG_PENDING_CHARS_MAX,
  ACCESS_LOG_PENDING_RECORDS_MAX,
  ACCESS_LOG_WARN_PERIOD_MS,
} from "./limits.ts";
import { RuleSet } from "./rule.ts";

/** Says which requests are logged, and logs them off the hot path. */
export interface AccessLog {
  /** False: nothing is ever logged; the request path need not ask further. */
  readonly isOn: boolean;
  /**
   * Whether a request that has ended is to be logged. Asks chance where a rule samples, so call it once per request,
   * before the record is made.
   */
  isWanted(status: number, durationMs: number, route: string): boolean;
  /** Takes a record for a later turn; drops and counts it when the log cannot keep up. */
  record(entry: AccessRecord): void;
  /**
   * Opens the file anew, after log rotation has renamed it; what was recorded before goes to the old file.
   *
   * @throws WeftError ACCESS_LOG_OPEN_FAILED; logging then goes on in the old file
   */
  reopen(): Promise<void>;
  /** Writes out what was recorded and closes the file. Later records are dropped. */
  close(): Promise<void>;
}

/** Where the log counts; `ProcessStats` has these fields. */
export interface AccessLogCounters {
  accessLogRecords: number;
  accessLogDropped: number;
}

export interface AccessLogDeps {
  readonly random: Random;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: AccessLogCounters;
}

/**
 * Creates the access log that the settings describe: JSON lines to a file or to standard output.
 *
 * @throws WeftError ACCESS_LOG_OPEN_FAILED
 * @example
 * const accessLog = createAccessLog(settings.accessLog, { random, clock, log, counters: registry.process });
 * if (accessLog.isOn && accessLog.isWanted(status, durationMs, route)) accessLog.record(entry);
 */
export function createAccessLog(settings: AccessLogSettings, deps: AccessLogDeps): AccessLog {
  return canLog(settings) ? new BatchingAccessLog(settings, deps) : OFF;
}

/**
 * Opens the file as `createAccessLog` would, and closes it again.
 *
 * @throws WeftError ACCESS_LOG_OPEN_FAILED
 */
export async function checkAccessLog(settings: AccessLogSettings, clock: Clock): Promise<void> {
  if (canLog(settings)) await new AppendFile(settings.target, clock).close();
}

function canLog({ target, rules }: AccessLogSettings): boolean {
  return target !== "" && rules.some(({ sample }) => sample > 0);
}

const OFF: AccessLog = {
  isOn: false,
  isWanted: () => false,
  record: () => {},
  reopen: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** Records gather in a ring; a timer starts a drain that serialises and writes batch after batch until it is empty. */
class BatchingAccessLog implements AccessLog {
  readonly isOn: boolean = true;
  readonly #rules: RuleSet;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #counters: AccessLogCounters;
  readonly #file: AppendFile;
  readonly #pending: Ring<AccessRecord> = new Ring(ACCESS_LOG_PENDING_RECORDS_MAX);
  readonly #abort: AbortController = new AbortController();
  #pendingChars: number = 0;
  #timer: TimerHandle | undefined = undefined;
  /** The last of the operations on the file, which run one after another. */
  #operation: Promise<void> = Promise.resolve();
  #isDraining: boolean = false;
  #isClosed: boolean = false;
  #warnedAtMs: number = Number.NEGATIVE_INFINITY;

  constructor(settings: AccessLogSettings, deps: AccessLogDeps) {
    this.#rules = new RuleSet(settings.rules, deps.random);
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#counters = deps.counters;
    this.#file = new AppendFile(settings.target, deps.clock);
  }

  isWanted(status: number, durationMs: number, route: string): boolean {
    return this.#rules.isWanted(status, durationMs, route);
  }

  record(entry: AccessRecord): void {
    const chars = charsOf(entry);
    const isOver = this.#pendingChars + chars > ACCESS_LOG_PENDING_CHARS_MAX;
    if (this.#isClosed || isOver || !this.#pending.push(entry)) {
      this.#counters.accessLogDropped++;
      return;
    }
    this.#pendingChars += chars;
    if (this.#timer !== undefined || this.#isDraining) return;
    this.#timer = this.#clock.setTimer(() => void this.#drain(), ACCESS_LOG_FLUSH_MS);
    this.#timer.unref();
  }

  reopen(): Promise<void> {
    if (this.#isClosed) return this.#operation;
    const drained = this.#drain();
    const reopened = drained.then(() => this.#file.reopen());
    this.#operation = reopened.catch(() => {});
    return reopened;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return this.#operation;
    this.#isClosed = true;
    this.#operation = this.#drain().then(() => this.#file.close());
    const aborted = new Promise<void>((resolve) => {
      this.#abort.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    const deadline = this.#clock.setTimer(() => this.#abort.abort(), ACCESS_LOG_CLOSE_MS);
    await Promise.race([this.#operation, aborted]);
    this.#clock.clearTimer(deadline);
    this.#counters.accessLogDropped += this.#pending.length;
    this.#pending.clear();
  }

  /** Writes out everything that waits, after what goes on already. Never rejects. */
  #drain(): Promise<void> {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#operation = this.#operation.then(() => this.#writeAll());
    return this.#operation;
  }

  async #writeAll(): Promise<void> {
    this.#isDraining = true;
    while (this.#pending.length > 0) {
      const before = this.#pending.length;
      const lines = this.#takeBatch();
      const records = before - this.#pending.length;
      try {
        await this.#file.append(lines, this.#abort.signal);
        this.#counters.accessLogRecords += records;
      } catch (error) {
        this.#counters.accessLogDropped += records;
        this.#warn(error);
      }
    }
    this.#isDraining = false;
  }

  #takeBatch(): string {
    let lines = "";
    for (let count = 0; count < ACCESS_LOG_BATCH_RECORDS_MAX; count++) {
      const entry = this.#pending.shift();
      if (entry === undefined) break;
      this.#pendingChars -= charsOf(entry);
      lines += encodeRecord(entry);
    }
    return lines;
  }

  #warn(error: unknown): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#warnedAtMs < ACCESS_LOG_WARN_PERIOD_MS) return;
    this.#warnedAtMs = nowMs;
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.warn("access log records were lost", { reason, dropped: this.#counters.accessLogDropped });
  }
}

/** Characters of the texts whose length a client chooses. */
function charsOf(entry: AccessRecord): number {
  return (
    entry.method.length + entry.authority.length + entry.path.length + entry.userAgent.length + entry.requestId.length
  );
}
