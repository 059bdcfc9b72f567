import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "@weft/kernel";
import type { UpgradeStatus } from "@weft/proxy";
import { UPGRADE_MS_MAX } from "../../limits.ts";
import { withBenchFolder } from "../bench-folder.ts";
import type { BenchFault } from "../measurement.ts";
import { launchModule } from "../peers/node.ts";
import { launchWeft } from "../peers/weft.ts";
import { chooseFreePort, LOOPBACK } from "../ports.ts";
import { ProgramGroup } from "../program-group.ts";
import { OWN_PEER } from "../targets.ts";
import { PROXY_START_MS_MAX } from "./limits.ts";
import type { UpgradePlan } from "./plan.ts";
import { BOLT_TALK, SteadyLoad } from "./steady-load.ts";
import type { UpgradeRow } from "./upgrade-row.ts";

/** What is measured: its name in rows and targets. */
export const UPGRADE_SCENARIO = "hot upgrades under load on long Bolt connections";

const WORKERS = 2;

/** How it is measured, and who wants to know how far it is. */
export interface UpgradeBenchOptions {
  readonly plan: UpgradePlan;
  readonly signal: AbortSignal;
  readonly onStep: (scenario: string, detail: string) => void;
}

/** What came of it. */
export interface UpgradeMeasurements {
  readonly rows: readonly UpgradeRow[];
  readonly faults: readonly BenchFault[];
}

/**
 * Upgrades a proxy again and again while clients call through it; whatever was started has ended when this resolves or rejects.
 *
 * @throws WeftError BENCH_START_FAILED, BENCH_INTERRUPTED
 */
export async function runUpgradeBench(options: UpgradeBenchOptions): Promise<UpgradeMeasurements> {
  return await withBenchFolder(async (folder) => {
    const group = new ProgramGroup(options.signal);
    try {
      return await new UpgradeBench(options, group, folder).run();
    } finally {
      await group.close();
    }
  });
}

class UpgradeBench {
  readonly #options: UpgradeBenchOptions;
  readonly #group: ProgramGroup;
  readonly #folder: string;
  readonly #rows: UpgradeRow[] = [];
  readonly #faults: BenchFault[] = [];

  constructor(options: UpgradeBenchOptions, group: ProgramGroup, folder: string) {
    this.#options = options;
    this.#group = group;
    this.#folder = folder;
  }

  async run(): Promise<UpgradeMeasurements> {
    const { connections, requestsPerSecond, upgrades } = this.#options.plan;
    const port = await chooseFreePort();
    const admin = `${LOOPBACK}:${await this.#startProxy(port)}`;
    this.#options.onStep(UPGRADE_SCENARIO, `opening ${connections} connections`);
    const load = await SteadyLoad.open({ port, connections, requestsPerSecond, talk: BOLT_TALK });
    try {
      for (let upgrade = 1; upgrade <= upgrades; upgrade++) await this.#measure(load, upgrade, admin);
    } finally {
      await load.stop();
    }
    if (load.fault !== "") {
      this.#faults.push({ scenario: UPGRADE_SCENARIO, peer: OWN_PEER, round: 0, reason: load.fault });
    }
    return { rows: this.#rows, faults: this.#faults };
  }

  /** Returns the port of the admin server. */
  async #startProxy(port: number): Promise<number> {
    const backendPort = await chooseFreePort();
    const entry = new URL("../bolt/backend-entry.ts", import.meta.url);
    await this.#group.startServer({ name: "backend", ...launchModule(entry, [String(backendPort)]) }, backendPort);
    const adminPort = await chooseFreePort();
    writeFileSync(join(this.#folder, "proxy.yaml"), renderConfig(port, adminPort, backendPort));
    const launch = launchWeft(["proxy", "--workers", String(WORKERS), "--config", this.#folder]);
    await this.#group.startServer(launch, adminPort, PROXY_START_MS_MAX);
    return adminPort;
  }

  async #measure(load: SteadyLoad, upgrade: number, admin: string): Promise<void> {
    const { calmSeconds } = this.#options.plan;
    this.#options.onStep(UPGRADE_SCENARIO, `${upgrade}: calm`);
    load.takeLongestMs();
    await this.#group.pause(calmSeconds * 1000);
    const calmLongestMs = load.takeLongestMs();
    const { answered, failed, closed } = load;
    this.#options.onStep(UPGRADE_SCENARIO, `${upgrade}: upgrade`);
    const status = await this.#upgrade(admin);
    const longestMs = load.takeLongestMs();
    // What was busy is moved or done, and what went wrong has shown.
    await this.#group.pause(calmSeconds * 1000);
    this.#rows.push({
      scenario: UPGRADE_SCENARIO,
      upgrade,
      took_ms: status.tookMs,
      hand_over_ms: status.handOverMs,
      moved: status.moved,
      busy: status.waiting,
      requests: load.answered - answered,
      failed: load.failed - failed,
      closed: load.closed - closed,
      calm_longest_ms: calmLongestMs,
      longest_ms: Math.max(longestMs, load.takeLongestMs()),
    });
  }

  async #upgrade(admin: string): Promise<UpgradeStatus> {
    const { output, code } = await this.#group.run(launchWeft(["upgrade", "--json", "--admin", admin]), UPGRADE_MS_MAX);
    if (code !== 0) {
      throw new WeftError("BENCH_START_FAILED", `Cannot upgrade the proxy: ${output.trim()}`, { admin });
    }
    return JSON.parse(output) as UpgradeStatus;
  }
}

/** No circuit breaker is to trip when the machine stands still for a moment: what is counted is what upgrades do. */
function renderConfig(port: number, adminPort: number, backendPort: number): string {
  return `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: bench }
spec:
  admin: { address: ${LOOPBACK}, port: ${adminPort} }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: calls }
spec:
  gatewayClassName: weft
  addresses: [{ type: IPAddress, value: ${LOOPBACK} }]
  listeners: [{ name: calls, port: ${port}, protocol: HTTP }]
---
apiVersion: weft.dev/v1
kind: RpcRoute
metadata: { name: calls }
spec:
  parentRefs: [{ name: calls }]
  rules: [{ backendRefs: [{ name: ledger, port: 80 }] }]
---
apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata: { name: ledger }
spec:
  targetRefs: [{ kind: Service, name: ledger }]
  breaker: { pendingMax: 1000000, requestsMax: 1000000 }
---
apiVersion: weft.dev/v1
kind: Service
metadata: { name: ledger }
spec:
  protocol: bolt
  ports: [{ port: 80 }]
  hosts: [{ address: ${LOOPBACK}, port: ${backendPort} }]
`;
}
