import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runConnectionsBench } from "./connections-bench.ts";
import type { ConnectionsRow } from "./connections-row.ts";
import { evaluateConnectionsTargets } from "./connections-targets.ts";
import { NoticeCount } from "./notice.ts";
import type { ConnectionsPlan } from "./plan.ts";
import { ALL_TO_ALL } from "./scenarios.ts";

const PLAN: ConnectionsPlan = {
  workers: 1,
  backends: 5,
  hostsPerBackend: 2,
  connectionsPerHost: 4,
  callsPerSecond: 50,
  heartbeat: { periodMs: 400, periodMsMax: 1600, timeoutMs: 300, misses: 3, peerIdleTimeoutMs: 60_000 },
  settleSeconds: 2,
  windowSeconds: 2,
  recentSeconds: 1,
};

test("runConnectionsBench() holds connections, and dead hosts are noticed whatever happened to them", async () => {
  const { rows, faults, uncut } = await runConnectionsBench({
    plan: PLAN,
    isWanted: (scenario) => scenario === "to half of the hosts",
    signal: AbortSignal.timeout(120_000),
    onStep: () => {},
  });
  assert.deepEqual(faults, []);
  assert.deepEqual(
    rows.map(({ heartbeat, connections }) => [heartbeat, connections]),
    [
      ["off", 20],
      ["fixed", 20],
      ["adaptive", 20],
    ],
  );
  const [off, fixed, adaptive] = rows;
  assert.equal(off?.quiet_heartbeats_per_second, 0);
  assert.equal(off?.noticed_seconds, null);
  assert.ok((fixed?.quiet_heartbeats_per_second ?? 0) > (adaptive?.quiet_heartbeats_per_second ?? Infinity));
  for (const { noticed_seconds: noticed } of [fixed, adaptive] as ConnectionsRow[]) {
    assert.ok(noticed?.frozen !== null && noticed?.busy !== null && noticed?.recent !== null);
    assert.equal(noticed?.cut === null, uncut !== "");
  }
});

describe("NoticeCount", () => {
  test("says when half, nearly all and all of the connections were given up", () => {
    const count = new NoticeCount(200, 7);
    count.look(7, 0.5);
    count.look(108, 1);
    assert.ok(!count.isDone);
    assert.equal(count.times(), null);
    assert.equal(count.describe(), "99 of 200 connections were kept");
    count.look(205, 2);
    count.look(300, 3);
    assert.ok(count.isDone);
    assert.deepEqual(count.times(), { p50: 1, p99: 2, max: 3 });
  });

  test("has no times where nothing was open", () => assert.equal(new NoticeCount(0, 0).times(), null));
});

describe("evaluateConnectionsTargets()", () => {
  function row(heartbeat: ConnectionsRow["heartbeat"], cores: number): ConnectionsRow {
    const times = { p50: 1, p99: 3, max: 9 };
    return {
      scenario: ALL_TO_ALL.name,
      heartbeat,
      connections: 60_480,
      quiet_heartbeats_per_second: 100,
      quiet_heartbeat_cores: cores - 0.01,
      quiet_cores: cores,
      traffic_heartbeats_per_second: 50,
      traffic_cores: 0.2,
      rss_mb: 600,
      rss_kb_per_connection: 3.5,
      noticed_seconds: heartbeat === "off" ? null : { frozen: times, cut: null, busy: times, recent: times },
    };
  }

  test("compares adaptive heartbeats with fixed ones, and says what could not be measured", () => {
    const rows = [row("off", 0.01), row("fixed", 0.06), row("adaptive", 0.02)];
    const targets = evaluateConnectionsTargets({ rows, faults: [], uncut: "needs Linux and root" }, PLAN);
    assert.deepEqual(
      targets.map(({ value, ok }) => [value === null ? null : Number(value.toFixed(2)), ok]),
      [
        [0.2, true],
        [0.02, true],
        [3.5, true],
        [3, true],
        [3, true],
        [3, true],
        [null, false],
      ],
    );
    assert.equal(targets.at(-1)?.reason, "needs Linux and root");
  });

  test("has no value without rows", () => {
    for (const { value, ok } of evaluateConnectionsTargets({ rows: [], faults: [], uncut: "" }, PLAN)) {
      assert.equal(value, null);
      assert.ok(!ok);
    }
  });
});
