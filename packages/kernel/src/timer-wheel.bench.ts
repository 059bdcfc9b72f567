// Run with `node -C source packages/kernel/src/timer-wheel.bench.ts`: time and heap per operation.
import { bench, do_not_optimize, run, summary } from "mitata";
import { systemClock } from "./clock.ts";
import { TimerEntry, TimerWheel, type TimerOwner } from "./timer-wheel.ts";

const owner: TimerOwner = { onTimer: () => undefined };
const wheel = new TimerWheel(systemClock, { unref: true });
// The company that a request's timeout has on a busy worker.
for (let i = 0; i < 10_000; i++) wheel.schedule(new TimerEntry(owner), 60_000 + i * 7);
const entry = new TimerEntry(owner);
const idle = new TimerEntry(owner);
wheel.schedule(idle, 300_000);

summary(() => {
  bench("wheel: schedule + cancel a 15 s timeout", () => {
    wheel.schedule(entry, 15_000);
    wheel.cancel(entry);
  });
  const nowMs = systemClock.nowMs();
  bench("wheel: the same with a clock read before", () => {
    wheel.schedule(entry, 15_000, nowMs);
    wheel.cancel(entry);
  });
  bench("node: setTimeout + clearTimeout", () => {
    clearTimeout(setTimeout(owner.onTimer, 15_000, entry));
  });
});
summary(() => {
  bench("wheel: re-schedule a scheduled entry", () => {
    wheel.schedule(idle, 300_000);
  });
  bench("wheel: extend an idle timeout", () => {
    idle.extend(idle.deadlineMs + 0.5);
  });
  const timeout = setTimeout(() => undefined, 300_000).unref();
  bench("node: timeout.refresh()", () => {
    timeout.refresh();
  });
});
bench("clock.nowMs()", () => do_not_optimize(systemClock.nowMs()));

await run();
wheel.close();
