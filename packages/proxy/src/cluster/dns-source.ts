import { isIPv6 } from "node:net";
import type { HostSource } from "@weft/contract";
import {
  type Backoff,
  type Clock,
  createBackoff,
  type Random,
  TimerEntry,
  type TimerOwner,
  type TimerWheel,
} from "@weft/kernel";
import { DnsNotice } from "./dns-notice.ts";
import type { DnsAddress, DnsAnswer, DnsResolver } from "./dns-resolver.ts";
import {
  DNS_ADDRESSES_MAX,
  DNS_EMPTY_GRACE_MS,
  DNS_REFRESH_MS_MIN,
  DNS_RETRY_MS_BASE,
  DNS_RETRY_MS_MAX,
} from "./limits.ts";

/** The name, and the bounds of its TTL. */
export type DnsSourceConfig = Extract<HostSource, { type: "dns" }>;

/** Who wants the addresses. */
export interface DnsOwner {
  /** All addresses of the name, sorted, each once; only told when they changed. */
  onAddresses(addresses: readonly string[]): void;
  /**
   * The name could not be resolved, or not as it should; what was told last holds. Told for every question;
   * `isNews` says that it is worth a line in the log.
   */
  onDnsProblem(reason: string, isNews: boolean): void;
  /** The name was resolved; whether its addresses changed or not. */
  onDnsAnswer?(): void;
  /** The name is resolved as it should be again, after a problem that was news. */
  onDnsRecovery?(): void;
}

/** What a source needs. */
export interface DnsSourceDeps {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly resolver: DnsResolver;
}

/** How a source stands, as plain data. */
export interface DnsStatus {
  readonly name: string;
  readonly addresses: readonly string[];
  /** The last failure since the last good answer; "" when there is none. */
  readonly problem: string;
  /** False until the first question was answered, or failed. */
  readonly isSettled: boolean;
}

/**
 * Keeps the addresses of one name up to date. It asks again when the shortest TTL of the answer ends, within
 * `ttlMsMin` to `ttlMsMax`. While there is no answer the last good one holds, however long, and it asks again with
 * back-off; while the answer is that there is no address, the last good one holds for `DNS_EMPTY_GRACE_MS`.
 */
export class DnsSource implements TimerOwner {
  readonly #config: DnsSourceConfig;
  readonly #deps: DnsSourceDeps;
  readonly #owner: DnsOwner;
  readonly #timer: TimerEntry;
  readonly #backoff: Backoff;
  readonly #notice: DnsNotice = new DnsNotice();
  #addresses: readonly string[] = [];
  #problem: string = "";
  /** When the name was first found empty, since it last was not; Infinity while it is not. */
  #emptySinceMs: number = Number.POSITIVE_INFINITY;
  #isSettled: boolean = false;
  #isClosed: boolean = false;

  constructor(config: DnsSourceConfig, deps: DnsSourceDeps, owner: DnsOwner) {
    this.#config = config;
    this.#deps = deps;
    this.#owner = owner;
    this.#timer = new TimerEntry(this);
    this.#backoff = createBackoff({ baseMs: DNS_RETRY_MS_BASE, maxMs: DNS_RETRY_MS_MAX, random: deps.random });
  }

  get status(): DnsStatus {
    return {
      name: this.#config.name,
      addresses: this.#addresses,
      problem: this.#problem,
      isSettled: this.#isSettled,
    };
  }

  /** Asks for the first time, at once. */
  start(): void {
    void this.#ask();
  }

  /** Ends it; an answer on its way is dropped. */
  close(): void {
    this.#isClosed = true;
    this.#deps.wheel.cancel(this.#timer);
  }

  /** @internal Time to ask again. */
  onTimer(_entry: TimerEntry): void {
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const answer = await this.#deps.resolver.resolve(this.#config.name);
    if (this.#isClosed) return;
    this.#isSettled = true;
    this.#deps.wheel.schedule(this.#timer, this.#take(answer));
  }

  /** Takes in an answer; returns when to ask again, in milliseconds. */
  #take(answer: DnsAnswer): number {
    if (answer.type !== "addresses") return this.#takeNone(answer.type === "empty", answer.reason);
    this.#owner.onDnsAnswer?.();
    this.#emptySinceMs = Number.POSITIVE_INFINITY;
    this.#problem = "";
    const found = new Set(answer.addresses.map(({ address }) => address));
    const missing = answer.missingFamily;
    if (missing !== 0) {
      // Half an answer: the other half holds as it was.
      for (const address of this.#addresses) if (isIPv6(address) === (missing === 6)) found.add(address);
      this.#complain(`no answer for its IPv${missing} addresses`);
    }
    const sorted = [...found].toSorted();
    if (sorted.length > DNS_ADDRESSES_MAX) {
      this.#complain(`it has ${sorted.length} addresses, of which the first ${DNS_ADDRESSES_MAX} are used`);
      sorted.length = DNS_ADDRESSES_MAX;
    }
    this.#tell(sorted);
    if (this.#problem === "" && this.#notice.recovery()) this.#owner.onDnsRecovery?.();
    if (missing !== 0) return this.#backoff.nextMs();
    this.#backoff.reset();
    return this.#refreshMs(answer.addresses);
  }

  #takeNone(isEmpty: boolean, reason: string): number {
    const nowMs = this.#deps.clock.nowMs();
    if (isEmpty && this.#emptySinceMs > nowMs) this.#emptySinceMs = nowMs;
    this.#complain(isEmpty ? `it has no address (${reason})` : `no answer (${reason})`);
    if (isEmpty && nowMs - this.#emptySinceMs >= DNS_EMPTY_GRACE_MS) this.#tell([]);
    return Math.max(DNS_REFRESH_MS_MIN, this.#backoff.nextMs());
  }

  #refreshMs(addresses: readonly DnsAddress[]): number {
    const { ttlMsMin, ttlMsMax } = this.#config;
    const ttlMs = addresses.reduce((least, address) => Math.min(least, address.ttlMs), Number.POSITIVE_INFINITY);
    return Math.max(DNS_REFRESH_MS_MIN, Math.min(ttlMsMax, Math.max(ttlMsMin, ttlMs)));
  }

  #tell(addresses: readonly string[]): void {
    const before = this.#addresses;
    if (addresses.length === before.length && addresses.every((address, index) => address === before[index])) return;
    this.#addresses = addresses;
    this.#owner.onAddresses(addresses);
  }

  #complain(reason: string): void {
    this.#problem = reason;
    const isNews = this.#notice.trouble(this.#deps.clock.nowMs());
    this.#owner.onDnsProblem(`Cannot resolve "${this.#config.name}" as it should: ${reason}`, isNews);
  }
}
