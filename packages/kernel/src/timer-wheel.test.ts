import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock } from "./clock.ts";
import { FakeClock } from "./fake-clock.ts";
import { TimerEntry, TimerWheel, type TimerOwner } from "./timer-wheel.ts";

class Recorder implements TimerOwner {
  readonly fired: { kind: number; atMs: number; deadlineMs: number }[] = [];
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  onTimer(entry: TimerEntry): void {
    this.fired.push({ kind: entry.kind, atMs: this.#clock.nowMs(), deadlineMs: entry.deadlineMs });
  }

  get kinds(): number[] {
    return this.fired.map(({ kind }) => kind);
  }
}

function start(startMs: number = 0): { clock: FakeClock; wheel: TimerWheel; recorder: Recorder } {
  const clock = new FakeClock(startMs);
  return { clock, wheel: new TimerWheel(clock), recorder: new Recorder(clock) };
}

test("schedule() fires within one tick after the deadline, at every distance", () => {
  const delays = [0, 1, 9.99, 10, 310, 320, 330, 10_230, 10_240, 327_680, 3_600_000, 86_400_000, 400 * 86_400_000];
  const { clock, wheel, recorder } = start(12_345.678);
  for (const delayMs of delays) wheel.schedule(new TimerEntry(recorder, delayMs), delayMs);
  assert.equal(wheel.size, delays.length);
  clock.advance(401 * 86_400_000);
  assert.equal(wheel.size, 0);
  assert.deepEqual(recorder.kinds, delays);
  for (const { atMs, deadlineMs } of recorder.fired) {
    assert.ok(atMs >= deadlineMs && atMs <= deadlineMs + 11, `deadline ${deadlineMs}, fired at ${atMs}`);
  }
});

test("schedule() of a scheduled entry replaces its deadline, sooner or later", () => {
  const { clock, wheel, recorder } = start();
  const later = new TimerEntry(recorder, 1);
  const sooner = new TimerEntry(recorder, 2);
  wheel.schedule(later, 100);
  wheel.schedule(sooner, 5000);
  wheel.schedule(later, 1000);
  wheel.schedule(sooner, 50);
  assert.equal(wheel.size, 2);
  clock.advance(990);
  assert.deepEqual(recorder.kinds, [2]);
  clock.advance(20);
  assert.deepEqual(recorder.kinds, [2, 1]);
});

test("schedule() counts from the time it is given, and is never early by it", () => {
  const { clock, wheel, recorder } = start();
  const nowMs = clock.nowMs();
  clock.advance(25);
  wheel.schedule(new TimerEntry(recorder, 1), 100, nowMs);
  wheel.schedule(new TimerEntry(recorder, 2), 10, nowMs);
  clock.advance(200);
  assert.deepEqual(
    recorder.fired.map(({ kind, atMs, deadlineMs }) => [kind, Math.round(atMs), deadlineMs]),
    [
      [2, 26, 10],
      [1, 100, 100],
    ],
  );
});

test("cancel() keeps an entry from firing, and is harmless when it is not scheduled", () => {
  const { clock, wheel, recorder } = start();
  const entry = new TimerEntry(recorder);
  wheel.cancel(entry);
  wheel.schedule(entry, 100);
  assert.ok(entry.isScheduled);
  wheel.cancel(entry);
  wheel.cancel(entry);
  assert.ok(!entry.isScheduled);
  assert.equal(wheel.size, 0);
  clock.advance(1000);
  assert.deepEqual(recorder.fired, []);
});

test("extend() moves a deadline away, any number of times, and never nearer", () => {
  const { clock, wheel, recorder } = start();
  const entry = new TimerEntry(recorder);
  wheel.schedule(entry, 1000);
  for (let i = 0; i < 50; i++) {
    clock.advance(100);
    entry.extend(clock.nowMs() + 1000);
  }
  entry.extend(clock.nowMs() + 10);
  clock.advance(999);
  assert.deepEqual(recorder.fired, []);
  clock.advance(11);
  assert.equal(recorder.fired.length, 1);
});

test("onTimer() may schedule, cancel and close", () => {
  const { clock, wheel, recorder } = start();
  const victim = new TimerEntry(recorder, 9);
  let rounds = 0;
  const actor = new TimerEntry({
    onTimer(entry) {
      wheel.cancel(victim);
      if (++rounds < 3) wheel.schedule(entry, 50);
      else wheel.close();
    },
  });
  wheel.schedule(actor, 50);
  wheel.schedule(victim, 50);
  wheel.schedule(new TimerEntry(recorder, 1), 60);
  wheel.schedule(new TimerEntry(recorder, 2), 500);
  clock.advance(1000);
  assert.equal(rounds, 3);
  assert.deepEqual(recorder.kinds, [1]);
  assert.equal(wheel.size, 0);
  assert.equal(clock.pendingTimers, 0);
});

test("onTimer() that throws loses no other timer; the exceptions reach the event loop", () => {
  const { clock, wheel, recorder } = start();
  const thrower: TimerOwner = {
    onTimer(entry) {
      throw new Error(`timer ${entry.kind}`);
    },
  };
  wheel.schedule(new TimerEntry(thrower, 1), 100);
  wheel.schedule(new TimerEntry(recorder, 2), 100);
  wheel.schedule(new TimerEntry(recorder, 3), 200);
  assert.throws(() => clock.advance(100), /timer 1/);
  assert.deepEqual(recorder.kinds, [2]);
  wheel.schedule(new TimerEntry(thrower, 4), 100);
  wheel.schedule(new TimerEntry(thrower, 5), 100);
  assert.throws(() => clock.advance(100), AggregateError);
  assert.deepEqual(recorder.kinds, [2, 3]);
});

test("onError gets what owners throw, with the entry, and may throw itself", () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const wheel = new TimerWheel(clock, {
    onError(error, entry) {
      seen.push(`${entry.kind}: ${String(error)}`);
      if (entry.kind === 2) throw new Error("observer");
    },
  });
  const thrower: TimerOwner = {
    onTimer() {
      throw new Error("owner");
    },
  };
  for (const kind of [1, 2, 3]) wheel.schedule(new TimerEntry(thrower, kind), 10);
  assert.throws(() => clock.advance(10), /observer/);
  assert.deepEqual(seen, ["1: Error: owner", "2: Error: owner", "3: Error: owner"]);
});

test("TimerWheel() sleeps until the next deadline instead of ticking", () => {
  const clock = new FakeClock();
  let armed = 0;
  const counting = Object.assign(Object.create(clock), {
    nowMs: () => clock.nowMs(),
    setTimer: (callback: () => void, delayMs: number) => {
      armed++;
      return clock.setTimer(callback, delayMs);
    },
    clearTimer: (handle: Parameters<FakeClock["clearTimer"]>[0]) => clock.clearTimer(handle),
  });
  const wheel = new TimerWheel(counting);
  const recorder = new Recorder(clock);
  wheel.schedule(new TimerEntry(recorder), 60_000);
  clock.advance(60_010);
  assert.equal(recorder.fired.length, 1);
  assert.ok(armed <= 4, `armed ${armed} times for one minute`);
  // A request's timeout, set and cancelled on an idle wheel, reuses the wake-up left behind.
  armed = 0;
  const timeout = new TimerEntry(recorder);
  for (let i = 0; i < 1000; i++) {
    wheel.schedule(timeout, 15_000);
    clock.advance(1);
    wheel.cancel(timeout);
  }
  assert.ok(armed <= 2, `armed ${armed} times for 1000 timeouts`);
});

test("TimerWheel() serves all that came due while the event loop was blocked, in order", () => {
  const { clock, wheel, recorder } = start();
  // A block: time passes without the clock firing the wheel's timer.
  let lagMs = 0;
  const laggy = new TimerWheel({
    nowMs: () => clock.nowMs() + lagMs,
    wallMs: () => clock.wallMs(),
    setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
    clearTimer: (handle) => clock.clearTimer(handle),
  });
  wheel.close();
  for (const delayMs of [700, 30, 5000, 400]) laggy.schedule(new TimerEntry(recorder, delayMs), delayMs);
  lagMs = 1000;
  laggy.schedule(new TimerEntry(recorder, 1), 100);
  clock.advance(30);
  assert.deepEqual(recorder.kinds, [30, 400, 700]);
  clock.advance(80);
  assert.deepEqual(recorder.kinds, [30, 400, 700, 1]);
  clock.advance(4000);
  assert.deepEqual(recorder.kinds, [30, 400, 700, 1, 5000]);
});

test("schedule() asserts misuse: closed wheel, foreign wheel, impossible delay", () => {
  const { clock, wheel, recorder } = start();
  const entry = new TimerEntry(recorder);
  wheel.schedule(entry, 10);
  const other = new TimerWheel(clock);
  assert.throws(() => other.schedule(entry, 10), { code: "KERNEL_ASSERTION_FAILED" });
  assert.throws(() => other.cancel(entry), { code: "KERNEL_ASSERTION_FAILED" });
  for (const delayMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => wheel.schedule(entry, delayMs), { code: "KERNEL_ASSERTION_FAILED" });
  }
  wheel.close();
  assert.ok(!entry.isScheduled);
  assert.throws(() => wheel.schedule(entry, 10), { code: "KERNEL_ASSERTION_FAILED" });
  wheel.cancel(entry);
});

test("TimerWheel() on the real clock is never early and soon enough", async () => {
  const wheel = new TimerWheel(systemClock);
  const errors: string[] = [];
  let left = 40;
  await new Promise<void>((resolve) => {
    const owner: TimerOwner = {
      onTimer(entry) {
        const lateMs = systemClock.nowMs() - entry.deadlineMs;
        if (lateMs < 0) errors.push(`${lateMs} ms`);
        if (--left === 0) resolve();
      },
    };
    for (let i = 0; i < 40; i++) wheel.schedule(new TimerEntry(owner), i * 3.7);
  });
  assert.deepEqual(errors, []);
  wheel.close();
});

test("TimerWheel() agrees with a plain list for any sequence of operations", () => {
  const operation = fc.oneof(
    fc.record({
      type: fc.constant("schedule" as const),
      id: fc.nat(7),
      ms: fc.double({ min: 0, max: 20_000, noNaN: true }),
    }),
    fc.record({ type: fc.constant("schedule" as const), id: fc.nat(7), ms: fc.nat(400) }),
    fc.record({ type: fc.constant("cancel" as const), id: fc.nat(7), ms: fc.constant(0) }),
    fc.record({ type: fc.constant("extend" as const), id: fc.nat(7), ms: fc.nat(2000) }),
    fc.record({
      type: fc.constant("advance" as const),
      id: fc.constant(0),
      ms: fc.double({ min: 0, max: 15_000, noNaN: true }),
    }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80 }), fc.constantFrom(0, 77.3, 1e9), (operations, startMs) => {
      const { clock, wheel, recorder } = start(startMs);
      const entries = Array.from({ length: 8 }, (_, id) => new TimerEntry(recorder, id));
      const deadlines = new Map<number, number>();
      let checked = 0;
      const settle = (): void => {
        for (const { kind, atMs } of recorder.fired.slice(checked)) {
          const deadlineMs = deadlines.get(kind);
          assert.ok(deadlineMs !== undefined, `timer ${kind} fired though it was not set`);
          assert.ok(atMs >= deadlineMs && atMs <= deadlineMs + 11.01, `due ${deadlineMs}, fired ${atMs}`);
          deadlines.delete(kind);
        }
        checked = recorder.fired.length;
        for (const [kind, deadlineMs] of deadlines) {
          assert.ok(deadlineMs + 11.01 >= clock.nowMs(), `timer ${kind}, due ${deadlineMs}, is lost`);
        }
        assert.equal(wheel.size, deadlines.size);
      };
      for (const { type, id, ms } of operations) {
        const entry = entries[id];
        assert.ok(entry !== undefined);
        const old = deadlines.get(id);
        if (type === "advance") clock.advance(ms);
        else if (type === "cancel") {
          wheel.cancel(entry);
          deadlines.delete(id);
        } else if (type === "schedule") {
          wheel.schedule(entry, ms);
          deadlines.set(id, clock.nowMs() + ms);
        } else if (old !== undefined) {
          entry.extend(clock.nowMs() + ms);
          deadlines.set(id, Math.max(old, clock.nowMs() + ms));
        }
        settle();
      }
    }),
    { numRuns: 300 },
  );
});
