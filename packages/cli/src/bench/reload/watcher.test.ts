import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@weft/kernel";
import type { Exchange, WatchedConnection } from "./exchange.ts";
import { renderBody } from "./expectation.ts";
import { Watcher, type WatcherOptions } from "./watcher.ts";

const RIGHT: Exchange = { type: "answered", status: 200, revision: "3", body: renderBody("blue", "3") };

/** A connection that answers from a script, then rightly. */
class ScriptedConnection implements WatchedConnection {
  readonly localPort: number;
  readonly rotation: number = 7;
  readonly script: Exchange[];
  fault: string = "";
  isUsable: boolean = true;
  isClosed: boolean = false;
  asked: number = 0;

  constructor(localPort: number, script: readonly Exchange[]) {
    this.localPort = localPort;
    this.script = [...script];
  }

  async ask(): Promise<Exchange> {
    this.asked++;
    const exchange = this.script.shift() ?? RIGHT;
    if (exchange.type !== "answered") this.isUsable = false;
    await new Promise(setImmediate);
    return exchange;
  }

  close(): void {
    this.isClosed = true;
  }
}

interface Scene {
  readonly watcher: Watcher;
  readonly connections: readonly ScriptedConnection[];
}

/** A watcher whose connections follow scripts, one after the other; a script of `null` is a connection that fails. */
function watch(scripts: readonly (readonly Exchange[] | null)[], changes: Partial<WatcherOptions> = {}): Scene {
  const connections: ScriptedConnection[] = [];
  const left = [...scripts];
  const watcher = new Watcher({
    name: "tested",
    open: async () => {
      const script = left.shift();
      if (script === null) throw new Error("refused");
      const connection = new ScriptedConnection(1_000 + connections.length, script ?? []);
      connections.push(connection);
      return connection;
    },
    target: { port: 1, authorityPem: "" },
    connections: 1,
    streams: 1,
    restMsMax: 0,
    sendsAgain: true,
    random: createRandom(1),
    ...changes,
  });
  return { watcher, connections };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

test("Watcher counts right answers, when revisions and certificates were first seen, and gaps", async () => {
  const { watcher } = watch([]);
  await until(() => watcher.tally.requests >= 3);
  await watcher.stop();
  const { tally } = watcher;
  assert.equal(tally.failed + tally.sentAgain, 0);
  assert.equal(typeof tally.revisionSeenMs(3), "number");
  assert.equal(tally.revisionSeenMs(4), undefined);
  assert.equal(typeof tally.rotationSeenMs(7), "number");
  assert.ok(tally.gapMs > 0 && tally.p99Ms > 0);
});

test("Watcher sends a lost request again where the connection had been good, and says so", async () => {
  const { watcher, connections } = watch([[RIGHT, { type: "lost" }]]);
  await until(() => watcher.tally.requests >= 3);
  await watcher.stop();
  assert.equal(watcher.tally.failed, 0);
  assert.equal(watcher.tally.sentAgain, 1);
  assert.equal(connections.length, 2);
  assert.ok(connections.every(({ isClosed }) => isClosed));
});

test("Watcher counts a lost first request as failed, with its port", async () => {
  const { watcher } = watch([[{ type: "lost" }]]);
  await until(() => watcher.tally.requests >= 2);
  await watcher.stop();
  assert.deepEqual(watcher.tally.failures, [{ reason: "the connection ended before an answer", localPort: 1_000 }]);
});

test("Watcher sends a refused request once more, not twice", async () => {
  const { watcher } = watch([[{ type: "refused" }], [{ type: "refused" }]]);
  await until(() => watcher.tally.requests >= 2);
  await watcher.stop();
  assert.deepEqual(watcher.tally.failures, [{ reason: "refused, and refused again", localPort: 1_001 }]);
  assert.equal(watcher.tally.sentAgain, 1);
});

test("Watcher that sends nothing again counts what is lost as failed", async () => {
  const { watcher } = watch([[RIGHT, { type: "lost" }]], { sendsAgain: false });
  await until(() => watcher.tally.requests >= 3);
  await watcher.stop();
  assert.equal(watcher.tally.failed, 1);
  assert.equal(watcher.tally.sentAgain, 0);
});

test("Watcher counts wrong, cut and silent answers and connections that cannot be opened", async () => {
  const back: Exchange = { type: "answered", status: 200, revision: "2", body: renderBody("blue", "2") };
  const wrong: Exchange = { type: "answered", status: 503, revision: "", body: "busy" };
  const { watcher } = watch([[RIGHT, back, wrong, { type: "cut", reason: "no end" }], null, [{ type: "silent" }]]);
  await until(() => watcher.tally.requests >= 7);
  await watcher.stop();
  assert.deepEqual(
    watcher.tally.failures.map(({ reason }) => reason),
    ["revision 2 after 3", "status 503: busy", "no end", "no connection: refused", "no answer in time"],
  );
});

test("Watcher counts what a server does that nobody asked it for", async () => {
  const { watcher, connections } = watch([]);
  await until(() => connections.length === 1);
  const [connection] = connections;
  assert.ok(connection);
  connection.fault = "noise";
  connection.isUsable = false;
  await until(() => connections.length === 2);
  await watcher.stop();
  assert.deepEqual(watcher.tally.failures, [{ reason: "noise", localPort: 1_000 }]);
});

test("Watcher renews its connections, unless it is to keep them", async () => {
  const { watcher, connections } = watch([], { streams: 3 });
  await until(() => connections.length === 2);
  watcher.keepsConnections = true;
  const asked = watcher.tally.requests;
  await until(() => watcher.tally.requests > asked + 100);
  assert.ok(connections.length <= 3);
  assert.equal(watcher.opening, 0);
  assert.deepEqual(watcher.ports, [connections.at(-1)?.localPort]);
  await watcher.stop();
  assert.equal(watcher.tally.failed, 0);
  assert.ok(connections.every(({ isClosed }) => isClosed));
});
