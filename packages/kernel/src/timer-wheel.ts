import { assert, assertRange } from "./assert.ts";
import type { Clock, TimerHandle } from "./clock.ts";
import {
  CLOCK_DELAY_MS_MAX,
  TIMER_WHEEL_DELAY_MS_MAX,
  TIMER_WHEEL_LEVELS,
  TIMER_WHEEL_SLOTS,
  TIMER_WHEEL_TICK_MS,
} from "./limits.ts";

const SLOT_BITS = 5;
const SLOT_MASK = TIMER_WHEEL_SLOTS - 1;

/** Who is called when a timer fires. One object may own several entries and tell them apart by `kind`. */
export interface TimerOwner {
  /**
   * The deadline of `entry` has passed; the entry is free and may be scheduled again from here. An
   * exception is thrown to the event loop after all other due timers have been served.
   */
  onTimer(entry: TimerEntry): void;
}

/**
 * One deadline, made once and scheduled as often as needed: scheduling, cancelling and extending
 * allocate nothing. An entry is on at most one wheel, at most once.
 */
export class TimerEntry {
  readonly owner: TimerOwner;
  /** The owner's own number for this timer; the wheel does not look at it. */
  readonly kind: number;
  /**
   * When it fires, on the clock's `nowMs()` scale; meaningful while scheduled. Starts as NaN, which makes
   * the field a double in place from the start: one shape for all entries, and no box per store.
   */
  deadlineMs: number = Number.NaN;
  /** @internal The wheel that holds this entry; set by the wheel alone, as the two links are. */
  wheel: TimerWheel | undefined = undefined;
  /** @internal The following entry of the slot, or its head. */
  next: TimerEntry = this;
  /** @internal The preceding entry of the slot, or its head. */
  previous: TimerEntry = this;

  constructor(owner: TimerOwner, kind: number = 0) {
    this.owner = owner;
    this.kind = kind;
  }

  /** True from `schedule` until the entry fires or is cancelled. */
  get isScheduled(): boolean {
    return this.wheel !== undefined;
  }

  /**
   * Moves the deadline of a scheduled entry further away, at the cost of one store: the wheel finds
   * out when the old deadline comes. For idle timeouts that every request refreshes. An earlier
   * deadline is ignored (use `schedule`), and an entry that is not scheduled stays so.
   */
  extend(deadlineMs: number): void {
    if (deadlineMs > this.deadlineMs) this.deadlineMs = deadlineMs;
  }
}

/** Options of a `TimerWheel`. */
export interface TimerWheelOptions {
  /** Resolution: a timer fires up to this much after its deadline, never before. Default 10 ms. */
  readonly tickMs?: number;
  /** True lets the process end while timers wait. Default false. */
  readonly unref?: boolean;
  /** Gets what owners throw; without it the first exception of a run is thrown to the event loop. */
  readonly onError?: (error: unknown, entry: TimerEntry) => void;
}

/**
 * All deadlines of a worker on one system timer, in O(1) per operation and without allocation.
 *
 * A hierarchy of six levels of 32 slots. Level 0 holds the next 32 ticks, one per slot; a slot of
 * level n spans 32^n ticks, and its entries move to lower levels when its time comes:
 *
 *     level 0  |.|.|x|.|        one tick per slot
 *     level 1  |.|x|.|.|        32 ticks per slot, spread over level 0 when reached
 *     level 2  |.|.|.|x|        1024 ticks per slot
 *
 * One occupancy bit per slot tells where the next work lies, so the wheel sleeps until then instead
 * of waking every tick. When the last entry goes, the armed wake-up stays, unref'd, for the next one
 * to reuse: a request's timeout set and cancelled on an idle wheel touches no system timer.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #isUnref: boolean;
  readonly #onError: ((error: unknown, entry: TimerEntry) => void) | undefined;
  readonly #startMs: number;
  /** Heads of circular lists, [level * 32 + slot]; a head's `kind` is its index. */
  readonly #heads: TimerEntry[];
  /** One bit per slot that holds entries, by level. */
  readonly #occupied: Int32Array = new Int32Array(TIMER_WHEEL_LEVELS);
  /** Entries that are being fired. */
  readonly #due: TimerEntry;
  /** The last tick that was served; every entry lies after it. */
  #tick: number = 0;
  /** When the system timer is armed, the tick it was armed for; else Infinity. */
  #wakeTick: number = Number.POSITIVE_INFINITY;
  #handle: TimerHandle | undefined = undefined;
  #isRunning: boolean = false;
  #isClosed: boolean = false;
  #size: number = 0;
  readonly #onWake: () => void;

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when `tickMs` is not within 0.1 to 60,000 */
  constructor(clock: Clock, options: TimerWheelOptions = {}) {
    const tickMs = options.tickMs ?? TIMER_WHEEL_TICK_MS;
    assertRange("tickMs", tickMs, 0.1, 60_000);
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#isUnref = options.unref ?? false;
    this.#onError = options.onError;
    this.#startMs = clock.nowMs();
    const noOwner: TimerOwner = { onTimer: () => undefined };
    this.#heads = Array.from(
      { length: TIMER_WHEEL_LEVELS * TIMER_WHEEL_SLOTS },
      (_, index) => new TimerEntry(noOwner, index),
    );
    this.#due = new TimerEntry(noOwner, -1);
    this.#onWake = () => this.#wake();
  }

  /** Entries that are scheduled. */
  get size(): number {
    return this.#size;
  }

  /**
   * Fires `entry` once, `delayMs` from now (0 means: with the next tick). An entry that is already
   * scheduled gets the new deadline instead of its old one. Reading the clock is most of the cost:
   * pass `nowMs` where it was read in this turn of the event loop; the delay then counts from it.
   */
  schedule(entry: TimerEntry, delayMs: number, nowMs: number = this.#clock.nowMs()): void {
    assert(!this.#isClosed, "nothing is scheduled on a closed timer wheel");
    assert(delayMs >= 0 && delayMs <= TIMER_WHEEL_DELAY_MS_MAX, "a delay lies within the wheel's limit");
    const wheel = entry.wheel;
    if (wheel !== undefined) {
      assert(wheel === this, "a timer entry stays with one wheel while it is scheduled");
      this.#unlink(entry);
    } else {
      entry.wheel = this;
      if (this.#size++ === 0 && !this.#isUnref) this.#handle?.ref();
    }
    const nowTick = Math.floor((nowMs - this.#startMs) / this.#tickMs);
    // Nothing lies between here and the wake-up, so the wheel may catch up without serving slots.
    if (nowTick > this.#tick && nowTick < this.#wakeTick && !this.#isRunning) this.#tick = nowTick;
    entry.deadlineMs = nowMs + delayMs;
    const eventTick = this.#insert(entry, this.#tick + 1);
    if (eventTick < this.#wakeTick && !this.#isRunning) this.#arm(eventTick);
  }

  /** Forgets `entry`; nothing happens when it is not scheduled. */
  cancel(entry: TimerEntry): void {
    const wheel = entry.wheel;
    if (wheel === undefined) return;
    assert(wheel === this, "a timer entry is cancelled on the wheel that holds it");
    this.#unlink(entry);
    this.#release(entry);
  }

  /** Forgets all entries and the system timer. Scheduling afterwards is an error, cancelling is not. */
  close(): void {
    this.#isClosed = true;
    for (const head of this.#heads) this.#releaseAll(head);
    this.#releaseAll(this.#due);
    this.#disarm();
  }

  /** Puts `entry` in the slot of its deadline and returns the tick at which that slot needs service. */
  #insert(entry: TimerEntry, earliestTick: number): number {
    const exactTick = Math.ceil((entry.deadlineMs - this.#startMs) / this.#tickMs);
    const dueTick = exactTick > earliestTick ? exactTick : earliestTick;
    const distance = dueTick - this.#tick;
    let level = 0;
    let span = 1;
    while (distance >= span * TIMER_WHEEL_SLOTS && level < TIMER_WHEEL_LEVELS - 1) {
      level++;
      span *= TIMER_WHEEL_SLOTS;
    }
    // Beyond the last level: wait in its furthest slot, and be placed again from there.
    const horizon = this.#tick + span * SLOT_MASK;
    const placeTick = distance < span * TIMER_WHEEL_SLOTS ? dueTick : horizon;
    const slot = Math.floor(placeTick / span) & SLOT_MASK;
    this.#occupied[level] = (this.#occupied[level] ?? 0) | (1 << slot);
    this.#append(level * TIMER_WHEEL_SLOTS + slot, entry);
    return Math.floor(placeTick / span) * span;
  }

  #append(index: number, entry: TimerEntry): void {
    const head = this.#heads[index];
    assert(head !== undefined, "every slot of a timer wheel has a head");
    const last = head.previous;
    entry.previous = last;
    entry.next = head;
    last.next = entry;
    head.previous = entry;
  }

  #unlink(entry: TimerEntry): void {
    const previous = entry.previous;
    const next = entry.next;
    previous.next = next;
    next.previous = previous;
    entry.next = entry;
    entry.previous = entry;
    // Only a head can be both neighbours: the slot is empty now.
    if (previous === next && previous.kind >= 0) this.#vacate(previous.kind);
  }

  #vacate(index: number): void {
    const level = index >> SLOT_BITS;
    this.#occupied[level] = (this.#occupied[level] ?? 0) & ~(1 << (index & SLOT_MASK));
  }

  #release(entry: TimerEntry): void {
    entry.wheel = undefined;
    if (--this.#size === 0) this.#handle?.unref();
  }

  #releaseAll(head: TimerEntry): void {
    while (head.next !== head) {
      const entry = head.next;
      this.#unlink(entry);
      this.#release(entry);
    }
  }

  /** The next tick at which a slot needs service, or Infinity. */
  #nextEventTick(): number {
    let nextTick = Number.POSITIVE_INFINITY;
    let span = 1;
    for (let level = 0; level < TIMER_WHEEL_LEVELS; level++) {
      const occupied = this.#occupied[level] ?? 0;
      if (occupied !== 0) {
        const position = Math.floor(this.#tick / span);
        // Rotated so that bit 0 is the slot after the current one; the current one comes last.
        const shift = (position + 1) & SLOT_MASK;
        const rotated = (occupied >>> shift) | (shift === 0 ? 0 : occupied << (32 - shift));
        const distance = 32 - Math.clz32(rotated & -rotated);
        nextTick = Math.min(nextTick, (position + distance) * span);
      }
      span *= TIMER_WHEEL_SLOTS;
    }
    return nextTick;
  }

  #arm(wakeTick: number): void {
    if (this.#handle !== undefined) this.#clock.clearTimer(this.#handle);
    const delayMs = this.#startMs + wakeTick * this.#tickMs - this.#clock.nowMs();
    this.#wakeTick = wakeTick;
    this.#handle = this.#clock.setTimer(this.#onWake, Math.min(Math.max(0, delayMs), CLOCK_DELAY_MS_MAX));
    if (this.#isUnref || this.#size === 0) this.#handle.unref();
  }

  #disarm(): void {
    if (this.#handle !== undefined) this.#clock.clearTimer(this.#handle);
    this.#handle = undefined;
    this.#wakeTick = Number.POSITIVE_INFINITY;
  }

  #wake(): void {
    this.#handle = undefined;
    this.#wakeTick = Number.POSITIVE_INFINITY;
    this.#isRunning = true;
    const nowMs = this.#clock.nowMs();
    const nowTick = Math.floor((nowMs - this.#startMs) / this.#tickMs);
    let failures: unknown[] | undefined;
    let eventTick = this.#nextEventTick();
    while (eventTick <= nowTick) {
      this.#tick = eventTick;
      this.#cascade(eventTick);
      failures = this.#fire(eventTick & SLOT_MASK, nowMs, failures);
      eventTick = this.#nextEventTick();
    }
    this.#tick = Math.max(this.#tick, nowTick);
    this.#isRunning = false;
    if (this.#size > 0) this.#arm(eventTick);
    if (failures === undefined) return;
    throw failures.length === 1 ? failures[0] : new AggregateError(failures, "Timers failed");
  }

  /** Spreads the slots of upper levels whose span begins at `tick`, from the top down. */
  #cascade(tick: number): void {
    for (let level = TIMER_WHEEL_LEVELS - 1; level > 0; level--) {
      const span = TIMER_WHEEL_SLOTS ** level;
      const slot = Math.floor(tick / span) & SLOT_MASK;
      if (tick % span !== 0 || ((this.#occupied[level] ?? 0) & (1 << slot)) === 0) continue;
      const list = this.#detach(level * TIMER_WHEEL_SLOTS + slot);
      while (list.next !== list) {
        const entry = list.next;
        this.#unlink(entry);
        this.#insert(entry, tick);
      }
    }
  }

  #fire(slot: number, nowMs: number, failures: unknown[] | undefined): unknown[] | undefined {
    const list = this.#detach(slot);
    while (list.next !== list) {
      const entry = list.next;
      this.#unlink(entry);
      if (entry.deadlineMs > nowMs) {
        this.#insert(entry, this.#tick + 1);
        continue;
      }
      this.#release(entry);
      try {
        entry.owner.onTimer(entry);
      } catch (error) {
        failures = this.#report(error, entry, failures);
      }
    }
    return failures;
  }

  #report(error: unknown, entry: TimerEntry, failures: unknown[] | undefined): unknown[] | undefined {
    if (this.#onError === undefined) return [...(failures ?? []), error];
    try {
      this.#onError(error, entry);
      return failures;
    } catch (reportError) {
      return [...(failures ?? []), reportError];
    }
  }

  /** Moves a slot's entries to the list of due ones, where callbacks may still cancel them. */
  #detach(index: number): TimerEntry {
    const head = this.#heads[index];
    const due = this.#due;
    assert(head !== undefined && due.next === due, "one slot is served at a time");
    if (head.next !== head) {
      due.next = head.next;
      due.previous = head.previous;
      due.next.previous = due;
      due.previous.next = due;
      head.next = head;
      head.previous = head;
      this.#vacate(index);
    }
    return due;
  }
}
