import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { HeartbeatConfig } from "@weft/contract";
import { createRandom } from "@weft/kernel";
import { Heartbeat, longestPeriodMs } from "./heartbeat.ts";
import { BACKLOG_BYTES_PER_SECOND } from "./limits.ts";

const CONFIG: HeartbeatConfig = {
  mode: "adaptive",
  periodMs: 15_000,
  periodMsMax: 75_000,
  timeoutMs: 1000,
  missesMax: 3,
  peerIdleTimeoutMs: 90_000,
  jitter: 0,
};

function create(changes: Partial<HeartbeatConfig> = {}, nowMs: number = 0): Heartbeat {
  return new Heartbeat({ ...CONFIG, ...changes }, createRandom(1), nowMs);
}

/** Looks when the schedule says so; a heartbeat is answered after `answerMs` (never for Infinity). */
class Run {
  readonly heartbeat: Heartbeat;
  nowMs: number = 0;
  readonly beatsMs: number[] = [];
  readonly verdicts: string[] = [];
  #answerAtMs: number = Number.POSITIVE_INFINITY;
  #lookAtMs: number;

  constructor(heartbeat: Heartbeat) {
    this.heartbeat = heartbeat;
    this.#lookAtMs = heartbeat.waitMs(0);
  }

  until(endMs: number, answerMs: number = 2): this {
    while (true) {
      const nextMs = Math.min(this.#lookAtMs, this.#answerAtMs);
      if (nextMs > endMs) break;
      this.nowMs = nextMs;
      if (nextMs === this.#answerAtMs) {
        this.#answerAtMs = Number.POSITIVE_INFINITY;
        this.heartbeat.heard(nextMs);
        assert.ok(this.heartbeat.settle());
      } else {
        const verdict = this.heartbeat.look(nextMs);
        this.verdicts.push(verdict);
        if (verdict === "dead") return this;
        if (verdict === "beat") this.#beat(answerMs);
      }
      this.#lookAtMs = nextMs + this.heartbeat.waitMs(nextMs);
    }
    this.nowMs = endMs;
    return this;
  }

  #beat(answerMs: number): void {
    this.beatsMs.push(this.nowMs);
    this.heartbeat.sent(this.nowMs);
    this.#answerAtMs = this.nowMs + answerMs;
  }
}

describe("Heartbeat of a quiet connection", () => {
  test("doubles its period with each answer up to the cap", () => {
    const run = new Run(create()).until(400_000);
    const periods = run.beatsMs.map((atMs, index) => Math.round(atMs - (run.beatsMs[index - 1] ?? 0)));
    assert.deepEqual(periods.slice(0, 5), [14_976, 29_824, 59_648, 74_752, 74_752]);
    assert.equal(run.heartbeat.periodMs, 75_000);
  });

  test("beats on the same strokes as others, whenever each was heard", () => {
    const random = createRandom(7);
    const strokes = Array.from({ length: 200 }, (_, index) => {
      const heartbeat = new Heartbeat({ ...CONFIG, jitter: 0.1 }, random, 0);
      heartbeat.heard(7.3 * index);
      return 7.3 * index + heartbeat.waitMs(7.3 * index);
    });
    assert.ok(strokes.every((atMs) => Math.abs(atMs - Math.round(atMs / 128) * 128) < 1e-6));
    assert.ok(Math.max(...strokes) - Math.min(...strokes) > 1000, "spread by their jitter all the same");
    const short = create({ periodMs: 400 });
    assert.equal(short.waitMs(0), 400);
    short.heard(131);
    assert.equal(131 + short.waitMs(131), 528);
    assert.equal(create({ periodMs: 40 }).waitMs(0), 40);
  });

  test("keeps its period in mode fixed", () => {
    const run = new Run(create({ mode: "fixed" })).until(100_000);
    assert.equal(run.beatsMs.length, 6);
    assert.equal(run.heartbeat.suspect("failure"), false, "nor is anybody asked before their time");
  });

  test("is dead after missesMax timeouts without a byte, and not before", () => {
    const run = new Run(create()).until(100_000, Number.POSITIVE_INFINITY);
    assert.deepEqual(run.verdicts, ["beat", "missed", "missed", "dead"]);
    assert.equal(run.nowMs, 17_976);
  });

  test("falls back to its base when an answer is late, also when it comes in the end", () => {
    const run = new Run(create()).until(150_000);
    assert.equal(run.heartbeat.periodMs, 75_000);
    run.until(184_000, 1500);
    assert.deepEqual(run.verdicts.slice(-2), ["beat", "missed"]);
    assert.equal(run.heartbeat.periodMs, 15_000);
    assert.equal(run.heartbeat.isMissed, false);
  });

  test("takes any byte for the answer", () => {
    const heartbeat = create();
    assert.equal(heartbeat.look(15_000), "beat");
    heartbeat.sent(15_000);
    heartbeat.heard(15_500);
    assert.equal(heartbeat.isOpen, false);
    assert.equal(heartbeat.look(16_000), "answered");
    assert.equal(heartbeat.settle(), false, "the answer itself is no news then");
    assert.equal(heartbeat.waitMs(16_000), 29_312);
  });

  test("does not hold against the peer what its owner was too late to hear", () => {
    const heartbeat = create();
    heartbeat.look(15_000);
    heartbeat.sent(15_000);
    assert.equal(heartbeat.look(16_000), "missed");
    assert.equal(heartbeat.look(17_000), "missed");
    // The process stood still for a minute; the answer waits in the system's buffer.
    assert.equal(heartbeat.look(78_000), "wait");
    assert.equal(heartbeat.look(79_000), "dead");
  });

  test("waits longer where the peer has much to read first", () => {
    const heartbeat = create();
    heartbeat.look(15_000);
    heartbeat.sent(15_000);
    for (let second = 16; second < 20; second++) {
      heartbeat.allowFor(5 * BACKLOG_BYTES_PER_SECOND, second * 1000);
      assert.equal(heartbeat.look(second * 1000), "wait");
    }
    heartbeat.allowFor(5 * BACKLOG_BYTES_PER_SECOND, 20_000);
    assert.equal(heartbeat.look(20_000), "missed");
    heartbeat.allowFor(1000, 20_500);
    assert.equal(heartbeat.waitMs(20_500), 500, "a small request is no excuse");
  });

  test("holds nothing against a peer that could not be heard", () => {
    const heartbeat = create();
    heartbeat.look(15_000);
    heartbeat.sent(15_000);
    heartbeat.excuse(15_900);
    assert.equal(heartbeat.look(16_000), "wait");
    assert.equal(heartbeat.waitMs(16_000), 14_848);
    assert.equal(heartbeat.periodMs, 15_000);
  });
});

describe("Heartbeat of a connection with traffic", () => {
  test("is replaced by bytes of the period, and keeps what it was stretched to", () => {
    const run = new Run(create()).until(400_000);
    const beats = run.beatsMs.length;
    run.heartbeat.heard(run.nowMs);
    for (let round = 0; round < 100; round++) {
      run.until(run.nowMs + 60_000);
      run.heartbeat.heard(run.nowMs);
    }
    assert.equal(run.beatsMs.length - beats, 0);
    assert.ok(run.verdicts.includes("replaced"));
    assert.equal(run.heartbeat.periodMs, 75_000);
  });

  test("counts its period from the last byte", () => {
    const heartbeat = create();
    heartbeat.heard(14_000);
    assert.equal(heartbeat.look(15_000), "replaced");
    assert.equal(heartbeat.waitMs(15_000), 13_928);
    assert.equal(heartbeat.look(29_000), "beat");
  });
});

describe("Heartbeat.suspect()", () => {
  for (const cause of ["failure", "request", "sibling"] as const) {
    test(`asks at once and falls back to the base (${cause})`, () => {
      const run = new Run(create()).until(200_000);
      assert.equal(run.heartbeat.suspect(cause), true);
      assert.equal(run.heartbeat.suspect(cause), false, "once");
      assert.equal(run.heartbeat.look(200_000), "beat");
      run.heartbeat.sent(200_000);
      assert.equal(run.heartbeat.cause, cause);
      run.heartbeat.heard(200_001);
      assert.ok(run.heartbeat.settle());
      assert.equal(run.heartbeat.waitMs(200_001), 14_911);
    });
  }

  test("is satisfied by one heartbeat, however it came to be sent", () => {
    const heartbeat = create();
    assert.equal(heartbeat.suspect("failure"), true);
    heartbeat.sent(0);
    heartbeat.heard(1);
    assert.ok(heartbeat.settle());
    assert.equal(heartbeat.look(2), "wait");
  });

  test("because of a host's silence leaves the period alone", () => {
    const run = new Run(create()).until(200_000);
    assert.equal(run.heartbeat.suspect("traffic"), true);
    assert.equal(run.heartbeat.look(200_000), "beat");
    run.heartbeat.sent(200_000);
    run.heartbeat.heard(200_001);
    assert.ok(run.heartbeat.settle());
    assert.equal(run.heartbeat.periodMs, 75_000);
  });

  test("asks nobody who has spoken meanwhile", () => {
    const heartbeat = create();
    heartbeat.suspect("sibling");
    heartbeat.heard(100);
    assert.equal(heartbeat.look(200), "replaced");
    assert.equal(heartbeat.waitMs(200), 14_776);
  });
});

describe("longestPeriodMs()", () => {
  test("leaves time for an answer before the peer closes an idle connection", () => {
    assert.equal(longestPeriodMs(CONFIG), 75_000);
    assert.equal(longestPeriodMs({ ...CONFIG, periodMsMax: 200_000 }), 89_000);
    assert.equal(longestPeriodMs({ ...CONFIG, periodMsMax: 200_000, peerIdleTimeoutMs: 0 }), 200_000);
    assert.equal(longestPeriodMs({ ...CONFIG, mode: "fixed" }), 15_000);
    assert.equal(longestPeriodMs({ ...CONFIG, mode: "fixed", peerIdleTimeoutMs: 10_000 }), 9000);
  });
});

describe("any life of a connection", () => {
  const config = fc.record({
    mode: fc.constantFrom("adaptive" as const, "fixed" as const),
    periodMs: fc.integer({ min: 100, max: 60_000 }),
    periodMsMax: fc.integer({ min: 100, max: 200_000 }),
    timeoutMs: fc.integer({ min: 10, max: 5000 }),
    missesMax: fc.integer({ min: 1, max: 5 }),
    peerIdleTimeoutMs: fc.oneof(fc.constant(0), fc.integer({ min: 10, max: 300_000 })),
    jitter: fc.double({ min: 0, max: 0.5, noNaN: true }),
  });
  const step = fc.tuple(
    fc.constantFrom("bytes", "quiet", "failure", "sibling", "request", "traffic", "excuse", "deaf"),
    fc.integer({ min: 1, max: 100_000 }),
    fc.integer({ min: 1, max: 6000 }),
  );

  test("asks before silence lasts longer than the cap, never beside traffic, and decides in time", () => {
    fc.assert(
      fc.property(config, fc.array(step, { maxLength: 40 }), fc.integer(), (settings, steps, seed) => {
        const heartbeat = new Heartbeat(settings, createRandom(seed), 0);
        live(heartbeat, settings, steps);
      }),
      { numRuns: 500 },
    );
  });
});

type Step = readonly [what: string, forMs: number, answerMs: number];

/** Lives through `steps` on a schedule that is looked at exactly when it asks for it. */
function live(heartbeat: Heartbeat, config: HeartbeatConfig, steps: readonly Step[]): void {
  const capMs = longestPeriodMs(config);
  let nowMs = 0;
  let openSinceMs = -1;
  let isSuspected = false;
  let isExcused = false;
  for (const [what, forMs, answerMs] of steps) {
    if (what === "excuse") {
      heartbeat.excuse(nowMs);
      openSinceMs = -1;
      isExcused = true;
    } else if (what === "failure" || what === "sibling" || what === "request" || what === "traffic") {
      isSuspected = heartbeat.suspect(what) || isSuspected;
    }
    if (what === "failure" && config.mode === "adaptive") assert.ok(heartbeat.periodMs <= config.periodMs);
    const endMs = nowMs + forMs;
    for (let rounds = 0; nowMs <= endMs; rounds++) {
      assert.ok(rounds < 20_000, "a schedule that asks to be looked at at once again and again");
      if (what === "bytes") heartbeat.heard(nowMs);
      const verdict = heartbeat.look(nowMs);
      const silentMs = nowMs - heartbeat.heardMs;
      if (verdict === "beat") {
        assert.ok(openSinceMs < 0, "one heartbeat at a time");
        assert.ok(silentMs <= capMs + 0.001, `silent for ${silentMs} ms of ${capMs}`);
        assert.ok(silentMs > 0 || isSuspected || config.jitter > 0, "traffic takes the heartbeat's place");
        heartbeat.sent(nowMs);
        openSinceMs = nowMs;
        isSuspected = false;
        isExcused = false;
      } else if (verdict === "dead") {
        assert.ok(!isExcused && openSinceMs >= 0);
        assert.ok(Math.abs(nowMs - openSinceMs - config.missesMax * config.timeoutMs) < 0.001, "in time");
        return;
      } else if (verdict === "answered") openSinceMs = -1;
      else if (verdict === "missed") assert.ok(heartbeat.periodMs <= config.periodMs);
      assert.ok(heartbeat.periodMs <= capMs);
      const waitMs = heartbeat.waitMs(nowMs);
      assert.ok(waitMs <= Math.max(capMs, config.timeoutMs) + 0.001);
      if (what !== "deaf" && openSinceMs >= 0 && answerMs < waitMs) {
        nowMs += answerMs;
        heartbeat.heard(nowMs);
        assert.ok(heartbeat.settle());
        openSinceMs = -1;
        continue;
      }
      nowMs += Math.max(0.001, what === "bytes" ? Math.min(waitMs, 1 + forMs / 10) : waitMs);
    }
  }
}
