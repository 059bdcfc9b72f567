import assert from "node:assert/strict";
import { test } from "node:test";
import type { PhaseRow } from "./phase-row.ts";
import { PHASES } from "./phases.ts";
import { evaluateReloadTargets } from "./reload-targets.ts";

function row(scenario: string, failed: number, allowed: number): PhaseRow {
  const figures = { requests: 100, requests_per_second: 1, sent_again: 0, p99_ms: 1, gap_ms: 1 };
  const change = { changes: 1, seen_after_ms: null };
  return { scenario, peer: "weft", client: "HTTP/2", failed, failed_at_most: allowed, ...figures, ...change };
}

test("evaluateReloadTargets() has a target per phase, met only when it was measured", () => {
  const targets = evaluateReloadTargets({ rows: [], faults: [] });
  assert.equal(targets.length, PHASES.length);
  for (const { value, ok, reason } of targets) {
    assert.deepEqual([value, ok], [null, false]);
    assert.equal(reason, "the phase was left out");
  }
});

test("evaluateReloadTargets() counts what failed beyond what may, client by client", () => {
  const rows = [row("workers killed", 5, 5), row("workers killed", 3, 1), row("routes rewritten", 0, 0)];
  const targets = evaluateReloadTargets({ rows, faults: [] });
  const find = (phase: string): unknown[] => {
    const target = targets.find(({ name }) => name.startsWith(phase));
    return [target?.value, target?.ok];
  };
  assert.deepEqual(find("workers killed"), [2, false]);
  assert.deepEqual(find("routes rewritten"), [0, true]);
});

test("evaluateReloadTargets() misses a target when a change was not seen, whatever the figures say", () => {
  const fault = { scenario: "routes rewritten", peer: "weft", round: 0, reason: "revision 7 was not seen" };
  const [target] = evaluateReloadTargets({ rows: [row("routes rewritten", 0, 0)], faults: [fault] });
  assert.deepEqual([target?.value, target?.ok, target?.reason], [0, false, "revision 7 was not seen"]);
});
