import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { World } from "@weft/contract";
import { createSettings } from "@weft/testkit";
import { checkAccessLog, checkTracing } from "./output-checks.ts";

function worldOf(settings: Parameters<typeof createSettings>[0]): World {
  return { revision: 1, settings: createSettings(settings), listeners: [], routeTables: [], clusters: [] };
}

function logging(target: string): World {
  return worldOf({ accessLog: { target, rules: [{ statusMin: 0, durationMsMin: 0, routes: [], sample: 1 }] } });
}

const tracing = (otlpEndpoint: string): World => worldOf({ tracing: { otlpEndpoint, sample: 1 } });

test("checkAccessLog() tries the file, and makes none", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "weft-doctor-log-"));
  context.after(() => rmSync(folder, { recursive: true }));
  assert.equal(checkAccessLog(logging("")).detail, "requests are not logged");
  assert.equal(checkAccessLog(logging("stdout")).detail, "to standard output");
  const file = join(folder, "a.log");
  assert.deepEqual(checkAccessLog(logging(file)), {
    name: "access log",
    verdict: "ok",
    detail: `${file} can be written`,
    action: "",
  });
  assert.deepEqual(readdirSync(folder), []);
  const { verdict, detail, action } = checkAccessLog(logging("/proc/nope/a.log"));
  assert.equal(verdict, "failed");
  assert.equal(detail, "/proc/nope/a.log cannot be opened: the folder /proc/nope does not exist");
  assert.match(action, /^create its folder/);
});

test("checkTracing() asks the collector", async (context) => {
  assert.equal((await checkTracing(tracing(""))).detail, "no spans are sent");
  let status = 200;
  const bodies: string[] = [];
  const collector = createServer(async (request, response) => {
    bodies.push(await text(request));
    response.writeHead(status).end("{}");
  }).listen(0, "127.0.0.1");
  context.after(() => collector.close().closeAllConnections());
  await once(collector, "listening");
  const { port } = collector.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}/v1/traces`;
  const taken = await checkTracing(tracing(endpoint));
  assert.deepEqual([taken.verdict, taken.detail], ["ok", `${endpoint} takes spans`]);
  assert.deepEqual(bodies, ['{"resourceSpans":[]}']);
  status = 404;
  const wrong = await checkTracing(tracing(endpoint));
  assert.deepEqual(
    [wrong.verdict, wrong.detail],
    ["warning", `${endpoint} does not take spans: the collector answered 404`],
  );
  const away = await checkTracing(tracing("http://127.0.0.1:1/v1/traces"));
  assert.equal(away.verdict, "warning");
  assert.match(away.detail, /does not take spans: connect ECONNREFUSED/);
  const unknown = await checkTracing(tracing("http://collector.invalid/v1/traces"));
  assert.equal(unknown.verdict, "warning");
  assert.match(unknown.detail, /collector\.invalid/);
});
