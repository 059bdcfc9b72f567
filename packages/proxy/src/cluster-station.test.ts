import assert from "node:assert/strict";
import { test } from "node:test";
import type { HealthCheckConfig } from "@weft/contract";
import { createCluster } from "@weft/testkit";
import { metric, startProxy, startTcpServer, until } from "./proxy.fixture.ts";

const CHECK: HealthCheckConfig = {
  type: "tcp",
  target: "",
  authority: "",
  expectedStatuses: [],
  intervalMs: 20,
  timeoutMs: 20,
  healthyThreshold: 1,
  unhealthyThreshold: 1,
  jitter: 0,
};

test("Proxy.setChecksHealth() hands the checks from one worker to another, with what is known", async () => {
  const { port } = await startTcpServer((socket) => socket.end());
  const cluster = createCluster([port], { healthChecks: [CHECK] });
  const { proxy: first } = await startProxy([cluster]);
  const told: string[] = [];
  const { proxy: second } = await startProxy([cluster], undefined, undefined, {
    checksHealth: false,
    onVerdict: (_cluster, host, verdict) => void told.push(`${host} ${verdict}`),
  });
  const checks = (): readonly number[] =>
    [first, second].map((proxy) => metric(proxy, "weft_cluster_health_checks_total"));
  await until(() => first.verdicts().length === 1, "a verdict of the first");
  assert.deepEqual(second.verdicts(), []);
  for (const { host, verdict, reason } of first.verdicts()) second.setVerdict("backend", host, verdict, reason);
  assert.deepEqual(second.verdicts(), first.verdicts());
  assert.equal(checks()[1], 0);

  first.setChecksHealth(false);
  second.setChecksHealth(true);
  second.setChecksHealth(true);
  const [before = 0] = checks();
  await until(() => (checks()[1] ?? 0) > 3, "checks by the second");
  assert.equal(checks()[0], before);
  assert.deepEqual(told, [], "what was known has not changed");

  second.setChecksHealth(false);
  first.setChecksHealth(true);
  await until(() => (checks()[0] ?? 0) > before, "checks by the first");
  await first.close();
  first.setChecksHealth(false);
  first.setChecksHealth(true);
});
