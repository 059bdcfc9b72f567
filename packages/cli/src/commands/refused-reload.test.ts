import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { text } from "node:stream/consumers";
import type { ShownReloads, WorkerStatus } from "@weft/proxy";
import { runCommand, type RunningRole, startRole, until } from "../test-command.ts";

const REFUSED = "configuration refused; the last one stays";
/** Nothing can be made below /proc, whoever asks. */
const HOPELESS = "/proc/nope/a.log";

let folder = "";
let role: RunningRole | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-refused-reload-"));
});

afterEach(async () => {
  if (role !== null && role.child.exitCode === null && role.child.signalCode === null) {
    role.child.kill("SIGKILL");
    await once(role.child, "exit");
  }
  role = null;
  rmSync(folder, { recursive: true, force: true });
});

/** A proxy that answers by itself, with what its route says. */
function writeConfig(answer: string, changes: { target?: string; address?: string } = {}): void {
  const { target, address } = changes;
  const log = target === undefined ? "" : `\n  accessLog: { target: ${target} }`;
  const gateway = `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: far }
spec:
  gatewayClassName: weft
  addresses: [{ value: ${address} }]
  listeners: [{ name: http, port: 21422, protocol: HTTP }]
`;
  const yaml = `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: tested }
spec:
  outbound: { address: 127.0.0.1, port: 0 }
  admin: { port: 0 }${log}
---
apiVersion: weft.dev/v1
kind: Service
metadata: { name: shop }
spec:
  ports: [{ port: 80 }]
  hosts: [{ address: 127.0.0.1, port: 1 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [{ group: weft.dev, kind: Service, name: shop }]
  rules:
    - filters: [{ type: RequestRedirect, requestRedirect: { hostname: ${answer} } }]
${address === undefined ? "" : gateway}`;
  writeFileSync(join(folder, "proxy.yaml.new"), yaml);
  renameSync(join(folder, "proxy.yaml.new"), join(folder, "proxy.yaml"));
}

async function send(port: number, path: string, host: string): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent: false, headers: { host } }, resolve).on("error", reject);
  });
}

/** The host that the route sends requests to. */
async function answerOf({ listeners }: RunningRole): Promise<string> {
  const incoming = await send(listeners[0]?.port ?? 0, "/", "shop");
  incoming.resume();
  return new URL(incoming.headers.location ?? "http://none").hostname;
}

async function ask({ admin }: RunningRole, path: string): Promise<string> {
  return await text(await send(admin.port, path, "127.0.0.1"));
}

function logged({ log }: RunningRole, message: string): Record<string, unknown>[] {
  return log.filter((line) => line["message"] === message);
}

async function workers(running: RunningRole): Promise<WorkerStatus[]> {
  return (JSON.parse(await ask(running, "/api/workers")) as { workers: WorkerStatus[] }).workers;
}

/** What is on disk is refused for this reason, everywhere it is asked for, and what was before holds whole. */
async function assertRefused(running: RunningRole, reason: RegExp): Promise<void> {
  await until(() => logged(running, REFUSED).length > 0);
  assert.equal(logged(running, REFUSED).length, 1, "the reason is said once");
  assert.match(String(logged(running, REFUSED)[0]?.["reason"]), reason);
  assert.equal(logged(running, "configuration applied by all workers").length, 0);
  assert.equal(await answerOf(running), "first");
  const { reloads } = JSON.parse(await ask(running, "/api/reloads")) as { reloads: ShownReloads };
  assert.deepEqual([reloads.isCurrent, reloads.applied, reloads.refused], [false, 1, 1]);
  assert.match(reloads.files[0]?.problems[0]?.expected ?? "", /EADDRNOTAVAIL|ENOENT/);
  const metrics = await ask(running, "/metrics");
  assert.match(metrics, /^weft_config_last_reload_successful 0$/m);
  assert.match(metrics, /^weft_config_problems 1$/m);
  assert.match(metrics, /^weft_config_reloads_total\{result="refused"\} 1$/m);
  const { stdout } = await runCommand(["status", "--admin", `127.0.0.1:${running.admin.port}`]);
  assert.match(stdout, /configuration on disk refused at .* stays in force \(1 applied, 1 refused/);
  assert.match(stdout, reason);
}

for (const [name, changes, reason] of [
  [
    "an access log that cannot be opened",
    { target: HOPELESS },
    /ProxyConfig default\/tested spec\.accessLog\.target.* — expected a file that can be opened for appending/,
  ],
  [
    "an address that this machine does not have",
    { address: "203.0.113.7" },
    /listener 203\.0\.113\.7:21422.* — expected an address that can be listened on/,
  ],
] as const) {
  test(`weft proxy refuses ${name} whole, and a worker that is replaced starts with what was before`, async () => {
    writeConfig("first");
    role = await startRole(["proxy", folder, "--workers", "2"]);
    const running = role;
    assert.equal(await answerOf(running), "first");
    writeConfig("second", changes);
    await assertRefused(running, reason);
    for (const { pid } of await workers(running)) process.kill(pid, "SIGKILL");
    await until(async () => {
      const now = await workers(running);
      return now.length === 2 && now.every(({ state, restarts }) => state === "ready" && restarts === 1);
    });
    assert.equal(await answerOf(running), "first");
    writeConfig("third");
    await until(async () => (await answerOf(running)) === "third");
    await until(async () => /^weft_config_last_reload_successful 1$/m.test(await ask(running, "/metrics")));
    assert.match(await ask(running, "/metrics"), /^weft_config_problems 0$/m);
  });

  test(`weft proxy --single refuses ${name} whole`, async () => {
    writeConfig("first");
    role = await startRole(["proxy", folder, "--single"]);
    const running = role;
    writeConfig("second", changes);
    await assertRefused(running, reason);
    writeConfig("third");
    await until(async () => (await answerOf(running)) === "third");
  });
}

test("weft proxy ends with the reason when its first configuration wants an access log that cannot be opened", async () => {
  writeConfig("first", { target: HOPELESS });
  for (const how of [["--single"], ["--workers", "2"]]) {
    const { status, stderr } = await runCommand(["proxy", folder, ...how]);
    assert.equal(status, 1);
    assert.match(stderr, /ACCESS_LOG_OPEN_FAILED/);
  }
});
