import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ewma, PeakEwma } from "./ewma.ts";

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected} +- ${tolerance}`);
}

test("Ewma is 0 at first, then its first observation", () => {
  const ewma = new Ewma(1000);
  assert.equal(ewma.value(), 0);
  assert.equal(ewma.value(5), 0);
  ewma.observe(40, 123_456);
  assert.equal(ewma.value(), 40);
});

test("Ewma weighs observations of one instant alike", () => {
  const ewma = new Ewma(1000);
  for (const value of [1, 2, 3, 4]) ewma.observe(value, 500);
  assertNear(ewma.value(), 2.5, 1e-9);
});

test("Ewma forgets: after 5 decay constants of new values the old ones are below 1 %", () => {
  const ewma = new Ewma(1000);
  for (let ms = 0; ms < 5000; ms += 10) ewma.observe(100, ms);
  for (let ms = 5000; ms < 10_000; ms += 10) ewma.observe(0, ms);
  assert.ok(ewma.value() < 1);
});

test("Ewma fades only when asked with the time", () => {
  const ewma = new Ewma(1000);
  ewma.observe(100, 0);
  assertNear(ewma.value(1000), 100 / Math.E, 1e-9);
  assert.equal(ewma.value(), 100);
});

test("Ewma.ratePerSecond() finds the rate of a steady stream, and 0 after silence", () => {
  const ewma = new Ewma(1000);
  for (let ms = 0; ms <= 10_000; ms += 10) ewma.observe(1, ms);
  assertNear(ewma.ratePerSecond(10_000), 100, 2);
  assertNear(ewma.ratePerSecond(30_000), 0, 0.001);
});

test("PeakEwma jumps up at once and comes down slowly", () => {
  const peak = new PeakEwma(1000);
  peak.observe(10, 0);
  peak.observe(500, 1);
  assert.equal(peak.value(), 500);
  peak.observe(10, 11);
  assert.ok(peak.value() > 490);
  for (let ms = 11; ms < 8000; ms += 10) peak.observe(10, ms);
  assertNear(peak.value(), 10, 1);
  assertNear(peak.value(9000), 10 / Math.E, 1);
});

test("Ewma and PeakEwma stay within what they saw, clocks going back included", () => {
  const observation = fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.nat(1_000_000));
  fc.assert(
    fc.property(fc.array(observation, { minLength: 1, maxLength: 50 }), (observations) => {
      const max = Math.max(...observations.map(([value]) => value));
      const min = Math.min(...observations.map(([value]) => value));
      for (const estimate of [new Ewma(100), new PeakEwma(100)]) {
        for (const [value, nowMs] of observations) estimate.observe(value, nowMs);
        assert.ok(estimate.value() <= max * (1 + 1e-9) && estimate.value() >= min * (1 - 1e-9));
        assert.ok(estimate.value(2_000_000) <= estimate.value());
      }
    }),
  );
});

test("Ewma() and PeakEwma() refuse a decay constant that is none", () => {
  for (const decayMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new Ewma(decayMs), { code: "KERNEL_INVALID_ARGUMENT" });
    assert.throws(() => new PeakEwma(decayMs), { code: "KERNEL_INVALID_ARGUMENT" });
  }
});
