import assert from "node:assert/strict";
import { test } from "node:test";
import { Drain } from "./drain.ts";
import { FakeClock } from "./fake-clock.ts";

test("begin() resolves with drained as soon as nothing is in flight", async () => {
  const clock = new FakeClock();
  const drain = new Drain(clock, 1000);
  drain.track();
  drain.track();
  const outcome = drain.begin();
  assert.ok(drain.draining);
  drain.release();
  assert.equal(drain.inFlight, 1);
  clock.advance(999);
  drain.release();
  assert.equal(await outcome, "drained");
  assert.equal(clock.pendingTimers, 0);
});

test("begin() resolves at once when nothing is in flight", async () => {
  const drain = new Drain(new FakeClock(), 1000);
  assert.equal(await drain.begin(), "drained");
});

test("begin() resolves with deadline when time is up, and later releases do no harm", async () => {
  const clock = new FakeClock();
  const drain = new Drain(clock, 1000);
  drain.track();
  const outcome = drain.begin();
  clock.advance(1000);
  assert.equal(await outcome, "deadline");
  drain.release();
  assert.equal(await drain.begin(), "deadline");
});

test("track() before begin() coming back to zero does not end a later drain", async () => {
  const drain = new Drain(new FakeClock(), 1000);
  drain.track();
  drain.release();
  drain.track();
  assert.ok(!drain.draining);
  const outcome = drain.begin();
  drain.track();
  drain.release();
  drain.release();
  assert.equal(await outcome, "drained");
});

test("release() asserts that something was tracked", () => {
  assert.throws(() => new Drain(new FakeClock(), 1).release(), { code: "KERNEL_ASSERTION_FAILED" });
});
