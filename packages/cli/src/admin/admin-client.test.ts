import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { isWeftError } from "@weft/kernel";
import type { AdminAddress } from "./admin-address.ts";
import { followSummaries, getJson, type LiveSummary } from "./admin-client.ts";

async function serve(t: TestContext, onRequest: RequestListener): Promise<AdminAddress & { readonly server: Server }> {
  const server = createServer(onRequest).listen(0, "127.0.0.1");
  t.after(() => server.close().closeAllConnections());
  await once(server, "listening");
  return { address: "127.0.0.1", port: (server.address() as AddressInfo).port, server };
}

const SUMMARY: LiveSummary = { requestsPerSecond: 1, connectionsActive: 2, routes: [] };
const EVENT = `event: summary\ndata: ${JSON.stringify(SUMMARY)}\n\n`;

test("getJson() knows another program's answer", async (t) => {
  for (const body of ["<html>", "null", "[]", "7", "{}", '{"status":"ok"}']) {
    const admin = await serve(t, (_request, response) => response.end(body));
    await assert.rejects(getJson<{ isReady: boolean }>(admin, "/api/ready", "isReady"), (error) => {
      assert.ok(isWeftError(error, "CLI_ADMIN_STRANGER"), body);
      assert.match(error.message, /this is no admin server of weft, \/api\/ready has another shape/);
      return true;
    });
  }
});

test("getJson() takes an answer that has the field", async (t) => {
  const admin = await serve(t, (_request, response) => response.end('{"isReady":false}'));
  assert.deepEqual(await getJson<{ isReady: boolean }>(admin, "/api/ready", "isReady"), { isReady: false });
});

test("followSummaries() ends when it is refused, also after it was let in", async (t) => {
  let asked = 0;
  const admin = await serve(t, (_request, response) => {
    asked++;
    if (asked > 1) return response.writeHead(401).end('{"error":{"message":"[ADMIN_TOKEN_NEEDED] no"}}');
    return response.writeHead(200, { "content-type": "text/event-stream" }).end(EVENT);
  });
  const seen: LiveSummary[] = [];
  await assert.rejects(
    followSummaries(admin, new AbortController().signal, (summary) => seen.push(summary)),
    (error) => isWeftError(error, "CLI_ADMIN_REFUSED") && /401: \[ADMIN_TOKEN_NEEDED\] no/.test(error.message),
  );
  assert.deepEqual(seen, [SUMMARY]);
});

test("followSummaries() ends where another program answers", async (t) => {
  const admin = await serve(t, (_request, response) => response.end("<html>"));
  await assert.rejects(
    followSummaries(admin, new AbortController().signal, () => assert.fail()),
    (error) => isWeftError(error, "CLI_ADMIN_STRANGER"),
  );
});

test("followSummaries() waits for a server that is away, and resolves at the signal", async (t) => {
  const abort = new AbortController();
  let asked = 0;
  const admin = await serve(t, (request, response) => {
    asked++;
    // Once no answer at all, once one that breaks off.
    if (asked === 1) return request.socket.destroy();
    response.writeHead(200, { "content-type": "text/event-stream" }).write(EVENT);
    if (asked === 2) return setImmediate(() => request.socket.destroy());
    return undefined;
  });
  let summaries = 0;
  await followSummaries(admin, abort.signal, () => {
    summaries++;
    if (asked > 2) abort.abort();
  });
  assert.ok(summaries >= 1);
  assert.equal(asked, 3);
});
