import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { renderAdminAddress } from "../admin/admin-address.ts";
import { runCommand, type RunningRole, spawnCommand, startRole, until } from "../test-command.ts";
import type { Status } from "./status.ts";

const YAML = `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: tested }
spec:
  outbound: { address: 127.0.0.1, port: 0 }
  admin: { port: 0 }
---
apiVersion: weft.dev/v1
kind: Service
metadata: { name: cart }
spec:
  ports: [{ port: 80 }]
  hosts: [{ address: 127.0.0.1, port: 1 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: cart }
spec:
  parentRefs: [{ group: weft.dev, kind: Service, name: cart }]
  rules:
    - name: next
      matches: [{ headers: [{ name: x-version, value: v2 }] }]
      backendRefs: [{ name: cart, port: 80 }]
`;

let folder = "";
let role: RunningRole;
/** Of the admin server that the commands are to ask. */
let admin: readonly string[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-operate-"));
  writeFileSync(join(folder, "proxy.yaml"), YAML);
  role = await startRole(["proxy", "--config", folder, "--workers", "2"]);
  admin = ["--admin", renderAdminAddress(role.admin)];
});

after(async () => {
  try {
    role.child.kill("SIGTERM");
    await once(role.child, "exit");
  } finally {
    // Also where no role could be started.
    rmSync(folder, { recursive: true, force: true });
  }
});

test("weft status shows every worker, listener and host, and as JSON", async () => {
  const { status, stdout } = await runCommand(["status", ...admin]);
  assert.equal(status, 0);
  assert.match(stdout, /^127\.0\.0\.1:\d+ is ready$/m);
  assert.match(stdout, /^0 +\d+ +ready +1 +0$/m);
  assert.match(stdout, /^1 +\d+ +ready +1 +0$/m);
  assert.match(stdout, /^outbound +127\.0\.0\.1:\d+ +http +0 +open$/m);
  assert.match(stdout, /^default\/cart:80 +0$/m);
  assert.match(stdout, /^ {2}127\.0\.0\.1:1 +unknown +0 +0 +0$/m);

  const json = JSON.parse((await runCommand(["status", "--json", ...admin])).stdout) as Status;
  assert.equal(json.readiness.isReady, true);
  assert.equal(json.workers.length, 2);
  assert.equal(json.listeners[0]?.port, role.listeners[0]?.port);
});

test("weft status says what is wrong with the configuration on disk, by file", async () => {
  const path = join(folder, "proxy.yaml");
  writeFileSync(path, YAML.replace("port: 1 }", 'port: "one" }'));
  const refused = async (): Promise<boolean> => {
    const { stdout } = await runCommand(["status", "--json", ...admin]);
    return (JSON.parse(stdout) as Status).reloads?.isCurrent === false;
  };
  await until(refused);
  const { status, stdout } = await runCommand(["status", ...admin]);
  assert.equal(status, 0);
  assert.match(stdout, /is ready \(the configuration on disk is refused; an earlier one runs\)$/m);
  const day = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;
  const line = `^configuration on disk refused at ${day}, that of ${day} stays in force \\(1 applied, 1 refused since the start\\):$`;
  assert.match(stdout, new RegExp(line, "m"));
  assert.match(stdout, /proxy\.yaml:13: Service default\/cart spec\.hosts\[0\]\.port — expected an integer/);
  assert.doesNotMatch(stdout, /"one"/);
  writeFileSync(path, YAML);
  await until(async () => !(await refused()));
  assert.match(
    (await runCommand(["status", ...admin])).stdout,
    /^configuration as on disk since .* \(2 applied, 1 refused/m,
  );
});

test("weft explain says where a request goes and why not elsewhere, and ends with 1 when nothing matches", async () => {
  const matched = await runCommand(["explain", "get", "http://cart/items?a=b", "-H", "x-version: v2", ...admin]);
  assert.equal(matched.status, 0);
  const place = String.raw`^listener outbound 127\.0\.0\.1:\d+: `;
  const rule = String.raw`default\/cart rules\[0\] "next" matches\[0\]`;
  assert.match(matched.stdout, new RegExp(`${place}${rule} -> default/cart:80$`, "m"));
  assert.match(matched.stdout, new RegExp(`✔ ${rule} prefix "/"$`, "m"));

  const rejected = await runCommand(["explain", "GET", "http://cart/items", ...admin]);
  assert.equal(rejected.status, 1);
  assert.match(rejected.stdout, new RegExp(`${place}answered 404, no route matches$`, "m"));
  assert.match(
    rejected.stdout,
    new RegExp(`✖ ${rule} prefix "/": header "x-version" is missing, expected exact "v2"$`, "m"),
  );
  const json = JSON.parse(
    (await runCommand(["explain", "GET", "http://cart/", "--json", ...admin])).stdout,
  ) as object[];
  assert.deepEqual(
    json.map((explanation) => Reflect.get(explanation, "status")),
    [404],
  );
});

test("weft explain ends with 2 on wrong usage, and says which listeners there are", async () => {
  for (const args of [
    ["GET", "cart"],
    ["GET", "http://cart", "-H", "nonsense"],
    ["GET", "http://cart", "-H", "x: a\nb"],
    ["GET"],
    ["G ET", "http://cart"],
    ["", "http://cart"],
    ["GET", "http://a\\b/x"],
    ["GET", "http://user@cart/"],
    ["GET", "http://cart/a b"],
    ["GET", "http://cart/#part"],
  ]) {
    assert.equal((await runCommand(["explain", ...args, ...admin])).status, 2, args.join(" "));
  }
  const { status, stderr } = await runCommand(["explain", "GET", "http://cart", "--listener", "inbound", ...admin]);
  assert.equal(status, 1);
  assert.match(stderr, /Cannot explain the routing of listener inbound: those .* are outbound \(port \d+\)/);
});

test("weft explain says so when nobody listens on the port", async () => {
  const { status, stdout } = await runCommand(["explain", "GET", "http://cart:1/", "-H", "x-version: v2", ...admin]);
  assert.equal(status, 0);
  assert.match(stdout, /^No listener is on port 1\. To one of these, as a part of the Host header:$/m);
});

test("weft status tells what clients saw from what was tried", async (context) => {
  const backends = [503, 200].map((code) =>
    createServer((_request, response) => void response.writeHead(code).end()).listen(0, "127.0.0.1"),
  );
  context.after(() => {
    for (const backend of backends) backend.close().closeAllConnections();
  });
  await Promise.all(backends.map((backend) => once(backend, "listening")));
  const ports = backends.map((backend) => (backend.address() as AddressInfo).port);
  const path = join(folder, "proxy.yaml");
  const hosts = ports.map((port) => `{ address: 127.0.0.1, port: ${port} }`).join(", ");
  const retry =
    "  rules:\n    - name: again\n      retry: { codes: [503], attempts: 2, backoff: 1ms }\n      backendRefs";
  writeFileSync(
    path,
    YAML.replace("{ address: 127.0.0.1, port: 1 }", hosts).replace(/ {2}rules:[^]*backendRefs/, retry),
  );
  const ask = async (): Promise<number> => {
    const request = get({ host: "127.0.0.1", port: role.listeners[0]?.port, headers: { host: "cart" }, agent: false });
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    answer.resume();
    return answer.statusCode ?? 0;
  };
  const readStatus = async (): Promise<Status> =>
    JSON.parse((await runCommand(["status", "--json", ...admin])).stdout) as Status;
  await until(async () => (await readStatus()).workers.every(({ revision }) => revision > 1));
  const retriesOf = (status: Status): number => status.retries[0]?.retries ?? 0;
  let asked = 0;
  await until(async () => {
    assert.equal(await ask(), 200);
    asked++;
    return retriesOf(await readStatus()) > 0;
  });
  const after = await readStatus();
  assert.deepEqual(
    after.traffic.map(({ route, requests, failures }) => [route, requests, failures]),
    [["default/cart", asked, 0]],
  );
  const { stdout } = await runCommand(["status", ...admin]);
  assert.match(stdout, new RegExp(`^default/cart +${asked} +0 `, "m"));
  assert.match(stdout, new RegExp(`^default/cart:80 +${retriesOf(after)}$`, "m"));
  assert.match(stdout, new RegExp(`^ {2}127\\.0\\.0\\.1:${ports[0]} +unknown +0 +[1-9]\\d* +[1-9]`, "m"));
});

test("weft top prints each second until it is told to end", async () => {
  const child = spawnCommand(["top", "--json", ...admin]);
  const [piece] = (await once(child.stdout ?? child, "data", { signal: AbortSignal.timeout(30_000) })) as [Buffer];
  const [line = ""] = piece.toString().split("\n");
  const summary = JSON.parse(line) as Record<string, unknown>;
  assert.equal(typeof summary["requestsPerSecond"], "number");
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("commands that ask a running role end with 1 when there is none", async () => {
  for (const args of [["status"], ["top"], ["explain", "GET", "http://cart/"]]) {
    const { status, stderr } = await runCommand([...args, "--admin", "127.0.0.1:1"]);
    assert.equal(status, 1);
    assert.match(stderr, /\[CLI_ADMIN_UNREACHABLE\] Cannot ask the admin server at 127\.0\.0\.1:1: /);
  }
});

test("commands that ask a running role know another program that answers", async (context) => {
  const stranger = createServer((_request, response) => response.end('{"status":"ok"}')).listen(0, "127.0.0.1");
  context.after(() => stranger.close().closeAllConnections());
  await once(stranger, "listening");
  const { port } = stranger.address() as AddressInfo;
  for (const args of [["status"], ["top"], ["explain", "GET", "http://cart/"], ["upgrade"]]) {
    const { status, stderr } = await runCommand([...args, "--admin", `127.0.0.1:${port}`]);
    assert.equal(status, 1);
    assert.match(stderr, /\[CLI_ADMIN_STRANGER\] .*127\.0\.0\.1:\d+: this is no admin server of weft/, args.join(" "));
  }
});
