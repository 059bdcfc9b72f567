import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as sendRequest } from "node:http";
import { request as sendTlsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { findProgram } from "@weft/testkit";
import { PEER_PROTOCOLS, type PeerCall, startPeerClient } from "@weft/testkit/rpc-peers";
import { killAll, runCommand, startRole } from "./test-command.ts";
import { chooseFreePort } from "./bench/ports.ts";

const EXAMPLES = join(import.meta.dirname, "../../../examples");
const NAMES = readdirSync(EXAMPLES, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const README_LINES_MAX = 15;

/** A copy of the examples, for certificates and changed ports. */
let folder = "";
const children: ChildProcess[] = [];

before(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-examples-"));
  cpSync(EXAMPLES, folder, { recursive: true });
});

after(async () => {
  await killAll(children);
  rmSync(folder, { recursive: true, force: true });
});

function makeCertificates(example: string): void {
  execFileSync("sh", [join(folder, "certificates.sh"), join(folder, example, "certificates")], { stdio: "ignore" });
}

/** Starts the examples' backend; resolves with the ports of its servers, which the system chooses, by name. */
async function startBackend(...servers: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const child = spawn(process.execPath, [join(EXAMPLES, "backend.ts"), ...servers], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const ports = new Map<string, number>();
  let printed = "";
  for await (const piece of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
    printed += piece;
    for (const [, name = "", port] of printed.matchAll(/^(.*) on .*:(\d+)$/gm)) ports.set(name, Number(port));
    if (ports.size === servers.length) break;
  }
  return ports;
}

/** Starts the proxy on a copied example in which ports are others. */
async function startExample(name: string, ports: ReadonlyMap<number, number>): Promise<void> {
  const path = join(folder, name, `${name}.yaml`);
  const yaml = readFileSync(path, "utf8").replaceAll(/\b\d{4,5}\b/g, (digits) =>
    String(ports.get(Number(digits)) ?? digits),
  );
  writeFileSync(path, yaml);
  const { child } = await startRole(["proxy", join(folder, name), "--single", "--admin", "127.0.0.1:0"]);
  children.push(child);
}

interface Answer {
  readonly status: number;
  readonly backend: string | undefined;
  readonly location: string | undefined;
  readonly body: string;
}

async function readAnswer(incoming: IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = incoming;
  const backend = headers["x-backend"]?.toString();
  return { status, backend, location: headers.location, body: await text(incoming) };
}

function send(port: number, path: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = sendRequest({ host: "127.0.0.1", port, path, headers, agent: false }, (incoming) => {
      readAnswer(incoming).then(resolve, reject);
    });
    request.on("error", reject).end();
  });
}

test("each example has a README that says how it is run", () => {
  assert.ok(NAMES.length >= 8);
  const table = readFileSync(join(EXAMPLES, "README.md"), "utf8");
  for (const name of NAMES) {
    const readme = readFileSync(join(EXAMPLES, name, "README.md"), "utf8");
    assert.ok(readme.includes(`./weft proxy examples/${name}\n`), name);
    assert.ok(readme.includes("node_modules/.bin/node examples/backend.ts "), name);
    assert.ok(readme.split("\n").length <= README_LINES_MAX, name);
    assert.ok(table.includes(`[${name}](${name})`), name);
  }
});

test("weft proxy --check takes each example", async (context) => {
  const hasOpenssl = findProgram("openssl") !== undefined;
  if (hasOpenssl) makeCertificates("https");
  else context.diagnostic("the example https is left out: openssl is missing");
  for (const name of NAMES) {
    if (name === "https" && !hasOpenssl) continue;
    const { status, stdout, stderr } = await runCommand(["proxy", join(folder, name), "--check"]);
    assert.equal(status, 0, `${name}: ${stderr}`);
    assert.match(stdout, /^The configuration is valid\.$/m);
  }
});

test("the example routing sends requests where its README says", async () => {
  const backend = await startBackend("cart-v1=0", "cart-v2=0");
  const port = await chooseFreePort();
  await startExample(
    "routing",
    new Map([
      [18080, port],
      [9101, backend.get("cart-v1") ?? 0],
      [9102, backend.get("cart-v2") ?? 0],
    ]),
  );
  const host = "www.shop.example";
  const seen = new Map<string | undefined, number>();
  for (let sent = 0; sent < 300; sent++) {
    const { backend: name } = await send(port, "/cart", { host });
    seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  // Nine of ten: further off than ten standard deviations is no chance.
  assert.ok((seen.get("cart-v1") ?? 0) > 215 && (seen.get("cart-v2") ?? 0) > 0, String([...seen]));
  assert.equal((seen.get("cart-v1") ?? 0) + (seen.get("cart-v2") ?? 0), 300);
  for (let sent = 0; sent < 10; sent++) {
    assert.equal((await send(port, "/cart/1", { host, "x-version": "v2" })).backend, "cart-v2");
  }
  const moved = await send(port, "/old-cart", { host });
  assert.deepEqual([moved.status, moved.location], [301, `http://${host}:${port}/cart`]);
  assert.match((await send(port, "/robots.txt", { host })).body, /^Disallow: \/$/m);
  assert.equal((await send(port, "/cart", { host: "other.example" })).status, 404);
});

test("the example subsets sends requests to the version that they ask for, and to two hosts of each", async () => {
  const names = ["one-a", "one-b", "one-c", "two-a", "two-b", "two-c"];
  const backend = await startBackend(...names.map((name) => `${name}=0`));
  const port = await chooseFreePort();
  const ports = names.map((name, index): [number, number] => [9101 + index, backend.get(name) ?? 0]);
  await startExample("subsets", new Map([[18080, port], ...ports]));
  const reached = async (headers: Record<string, string>): Promise<readonly string[]> => {
    const seen = new Set<string>();
    for (let sent = 0; sent < 40; sent++) seen.add((await send(port, "/", headers)).backend ?? "nobody");
    return [...seen];
  };
  for (const [headers, version] of [
    [{}, "one"],
    [{ "x-version": "v1" }, "one"],
    [{ "x-version": "v2" }, "two"],
    [{ "x-tester": "yes" }, "two"],
  ] as const) {
    const seen = await reached(headers);
    assert.equal(seen.length, 2, seen.join());
    assert.ok(
      seen.every((name) => name.startsWith(version)),
      seen.join(),
    );
  }
  assert.equal((await send(port, "/", { "x-version": "v3" })).status, 503);
});

test("the example rpc routes calls by interface, version, method and header", async (context) => {
  const names = ["ledger-v1=bolt:0", "ledger-v2=bolt:0", "risk-v1=dubbo:0", "risk-bad=dubbo:0:500", "risk-v2=dubbo:0"];
  const backend = await startBackend(...names);
  const port = await chooseFreePort();
  const ports = names.map((name, index): [number, number] => [9101 + index, backend.get(name.replace(/=.*/, "")) ?? 0]);
  await startExample("rpc", new Map([[18080, port], ...ports]));
  const callerOf = async (protocol: "bolt" | "dubbo"): Promise<(call: Partial<PeerCall>) => Promise<string>> => {
    const client = await startPeerClient(context, PEER_PROTOCOLS[protocol], port);
    const base = { args: [], timeout: 10_000, methodArgSigs: [], requestProps: {}, methodName: "judge" };
    return async (call) => {
      const { data } = await client.writeRequest({ ...base, serverSignature: "com.shop.Risk:1.0", ...call });
      if (data.error !== undefined && data.error !== null) throw data.error;
      return String(data.appResponse).replace(/:.*/, "");
    };
  };
  const bolt = await callerOf("bolt");
  const seen = new Map<string, number>();
  for (let sent = 0; sent < 300; sent++) {
    const name = await bolt({ serverSignature: "com.shop.Ledger:1.0" });
    seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  // Nine of ten: further off than ten standard deviations is no chance.
  assert.ok((seen.get("ledger-v1") ?? 0) > 215 && (seen.get("ledger-v2") ?? 0) > 0, String([...seen]));
  for (let sent = 0; sent < 10; sent++)
    assert.equal(await bolt({ serverSignature: "com.shop.Ledger:2.0" }), "ledger-v2");
  const dubbo = await callerOf("dubbo");
  // Every second call meets the host that is broken, and goes on to the other.
  for (let sent = 0; sent < 20; sent++) assert.equal(await dubbo({}), "risk-v1");
  assert.equal(await dubbo({ requestProps: { "x-tester": "yes" } }), "risk-v2");
  await assert.rejects(dubbo({ methodName: "forget" }), /ROUTER_NO_MATCH/);
  const call = [join(EXAMPLES, "call.ts"), `dubbo://127.0.0.1:${port}/com.shop.Risk:1.0/judge`, "order-7", "4200"];
  const printed = execFileSync(process.execPath, [...call, "-H", "x-tester=yes"], { encoding: "utf8" });
  assert.equal(printed, "risk-v2: com.shop.Risk:1.0.judge(order-7, 4200)\n");
});

test("the example resilience hides failures, gives up in time, and fails on purpose", async () => {
  const backend = await startBackend("good=0", "bad=0:503", "shadow=0");
  const port = await chooseFreePort();
  await startExample(
    "resilience",
    new Map([
      [18080, port],
      [9101, backend.get("good") ?? 0],
      [9102, backend.get("bad") ?? 0],
      [9103, backend.get("shadow") ?? 0],
    ]),
  );
  for (let sent = 0; sent < 20; sent++) assert.equal((await send(port, "/retried", {})).backend, "good");
  assert.equal((await send(port, "/slow/delay/2000", {})).status, 504);
  const statuses = await Promise.all(Array.from({ length: 100 }, () => send(port, "/faulty", {})));
  const failed = statuses.filter(({ status }) => status === 503);
  assert.ok(failed.length > 0 && failed.length < 50, `${failed.length} of 100 failed`);
  const passed = statuses.find(({ status }) => status === 200);
  assert.match(passed?.body ?? "", /"x-weft-load-test": "1"/);
});

test("the example https asks clients for certificates on one of its ports", async (context) => {
  if (findProgram("openssl") === undefined) return context.skip("openssl is missing");
  makeCertificates("https");
  const backend = await startBackend("shop=0");
  const [open, closed] = [await chooseFreePort(), await chooseFreePort()];
  await startExample(
    "https",
    new Map([
      [18443, open],
      [18444, closed],
      [9101, backend.get("shop") ?? 0],
    ]),
  );
  const read = (name: string): Buffer => readFileSync(join(folder, "https", "certificates", name));
  const ca = read("authority.pem");
  const identity = { cert: read("client.pem"), key: read("client-key.pem") };
  const ask = (port: number, own: Partial<typeof identity>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", servername: "localhost", port, ca, ...own, agent: false };
      const request = sendTlsRequest(options, (incoming) => void readAnswer(incoming).then(resolve, reject));
      request.on("error", reject).end();
    });
  assert.equal((await ask(open, {})).backend, "shop");
  assert.equal((await ask(open, identity)).backend, "shop");
  assert.equal((await ask(closed, identity)).backend, "shop");
  await assert.rejects(ask(closed, {}));
});
