// Applications of sofa-rpc-node and dubbo2.js, unmodified and in processes of their own, call each other through sidecars.
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { IncomingMessage } from "node:http";
import { after, before, test } from "node:test";
import { type CertificateAuthority, createAuthority, issueCertificate } from "@weft/kernel";
import { chooseFreePort } from "./bench/ports.ts";
import type { AdminAddress } from "./admin/admin-address.ts";
import type { ApplicationPlan, CallOrder, CallReport } from "./rpc-application.fixture.ts";
import { killAll, type RunningRole, startRole } from "./test-command.ts";

const APPLICATION = new URL("rpc-application.fixture.ts", import.meta.url);
const SERVICES = { bolt: "com.shop.Ledger", dubbo: "com.shop.Risk" } as const;
const PROTOCOLS = ["bolt", "dubbo"] as const;
type Protocol = (typeof PROTOCOLS)[number];

let folder = "";
let authority: CertificateAuthority;
const children: ChildProcess[] = [];
/** The sidecar of each server, which ends mutual TLS, and that of the clients, which begins it. */
const inbound = new Map<Protocol, RunningRole>();
let outbound: RunningRole;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-rpc-applications-"));
  authority = createAuthority("test authority");
  for (const protocol of PROTOCOLS) inbound.set(protocol, await startServer(protocol));
  const ports = PROTOCOLS.map((protocol): [Protocol, number] => [protocol, portOf(inbound.get(protocol))]);
  outbound = await startSidecar("clients", renderOutbound(new Map(ports)));
});

after(async () => {
  await killAll(children);
  rmSync(folder, { recursive: true, force: true });
});

function portOf(role: RunningRole | undefined): number {
  return role?.listeners[0]?.port ?? 0;
}

/** Starts an application; resolves when it serves, or has its connection. */
async function startApplication(plan: ApplicationPlan): Promise<ChildProcess> {
  // Without condition "source", by which one of the packages means its own TypeScript.
  const child = fork(APPLICATION, [JSON.stringify(plan)], { execArgv: [] });
  children.push(child);
  const ended = once(child, "exit").then(([status]) => assert.fail(`the application ended with ${status}`));
  assert.deepEqual(await Promise.race([once(child, "message"), ended]), ["ready", undefined]);
  ended.catch(() => {});
  return child;
}

/** Starts an application that serves, and the sidecar before it. */
async function startServer(protocol: Protocol): Promise<RunningRole> {
  const targetPort = await chooseFreePort();
  await startApplication({ role: "server", protocol, port: targetPort, service: SERVICES[protocol] });
  return startSidecar(
    protocol,
    `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: ${protocol} }
spec:
  inbound:
    port: 0
    address: 127.0.0.1
    protocol: ${protocol}
    targetAddress: 127.0.0.1
    targetPort: ${targetPort}
    tls:
      certificateRef: { group: weft.dev, kind: Certificate, name: own }
      caCertificateRef: { group: weft.dev, kind: Certificate, name: authority }
      clientCertificate: required
  admin: { port: 0 }
`,
  );
}

function renderOutbound(ports: ReadonlyMap<Protocol, number>): string {
  const services = [...ports].map(
    ([protocol, port]) => `---
apiVersion: weft.dev/v1
kind: Service
metadata: { name: ${protocol} }
spec:
  protocol: ${protocol}
  ports: [{ port: 80 }]
  hosts: [{ address: 127.0.0.1, port: ${port} }]
---
apiVersion: weft.dev/v1
kind: RpcRoute
metadata: { name: ${protocol} }
spec:
  parentRefs: [{ group: weft.dev, kind: Service, name: ${protocol} }]
  rules:
    - matches: [{ service: ${SERVICES[protocol]}, version: "1.0" }]
      backendRefs: [{ name: ${protocol}, port: 80 }]
---
apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata: { name: ${protocol} }
spec:
  targetRefs: [{ group: weft.dev, kind: Service, name: ${protocol} }]
  tls:
    serverName: ${protocol}
    minVersion: TLSv1.3
    caCertificateRef: { group: weft.dev, kind: Certificate, name: authority }
    clientCertificateRef: { group: weft.dev, kind: Certificate, name: own }
`,
  );
  return `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: clients }
spec:
  outbound: { address: 127.0.0.1, port: 0 }
  admin: { port: 0 }
${services.join("")}`;
}

/** Starts a proxy with an identity of its own. */
async function startSidecar(name: string, yaml: string): Promise<RunningRole> {
  const path = join(folder, name);
  mkdirSync(path);
  const own = issueCertificate(authority, { commonName: name, dnsNames: [name] });
  writeFileSync(join(path, "own.pem"), own.certificatePem);
  writeFileSync(join(path, "own-key.pem"), own.privateKeyPem);
  writeFileSync(join(path, "authority.pem"), authority.certificatePem);
  const identity = `---
apiVersion: weft.dev/v1
kind: Certificate
metadata: { name: own }
spec: { certificateFile: own.pem, keyFile: own-key.pem }
---
apiVersion: weft.dev/v1
kind: Certificate
metadata: { name: authority }
spec: { caFile: authority.pem }
`;
  writeFileSync(join(path, "proxy.yaml"), yaml + identity);
  const role = await startRole(["proxy", path, "--single"]);
  children.push(role.child);
  return role;
}

/** Has a client make calls all at once. */
async function order(client: ChildProcess, calls: CallOrder["calls"]): Promise<CallReport["outcomes"]> {
  const answered = once(client, "message") as Promise<[CallReport]>;
  client.send({ calls } satisfies CallOrder);
  const [{ outcomes }] = await answered;
  return outcomes;
}

/** A counter as a proxy's metrics say: the sum of the series whose labels contain `labels`. */
async function counter({ address, port }: AdminAddress, name: string, labels: string): Promise<number> {
  const [answer] = (await once(get({ host: address, port, path: "/metrics", agent: false }), "response")) as [
    IncomingMessage,
  ];
  const lines = (await text(answer)).split("\n").filter((line) => line.startsWith(`${name}{`) && line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

for (const protocol of PROTOCOLS) {
  test(`${protocol}: unmodified applications call each other through two sidecars over mutual TLS`, async () => {
    const plan = { role: "client", protocol, port: portOf(outbound), service: SERVICES[protocol] } as const;
    const client = await startApplication(plan);
    const many = Array.from({ length: 200 }, (_, index): [string, string] => [`order-${index}`, "4200"]);
    assert.deepEqual(
      await order(client, many),
      many.map(([first, second]) => ({ value: `${first}+${second}!`, error: "" })),
    );
    const long = "grüße ".repeat(20_000);
    const [large, failed, last] = await order(client, [
      [long, "x"],
      ["fail", "x"],
      ["order", "last"],
    ]);
    assert.equal(large?.value, `${long}+x!`);
    assert.match(failed?.error ?? "", /no such account/);
    assert.equal(last?.value, "order+last!");
    const server = inbound.get(protocol);
    assert.ok(server !== undefined);
    assert.ok((await counter(server.admin, "weft_listener_tls_handshakes_total", 'result="ok"')) >= 1);
    for (const { admin } of [server, outbound]) {
      assert.equal(await counter(admin, "weft_downstream_requests_total", `protocol="${protocol}"`), 203);
    }
  });

  test(`${protocol}: an application whose interface no route knows is told so`, async () => {
    const plan = { role: "client", protocol, port: portOf(outbound), service: "com.shop.Nobody" } as const;
    const [outcome] = await order(await startApplication(plan), [["order", "x"]]);
    assert.notEqual(outcome?.error, "");
  });
}
