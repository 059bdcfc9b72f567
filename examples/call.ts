/**
 * Calls a method of Bolt or Dubbo once, and prints what it returned; arguments are texts:
 *
 *     node_modules/.bin/node examples/call.ts dubbo://127.0.0.1:18080/com.shop.Risk:1.0/judge order-7 4200 -H x-tester=yes
 *
 * -H NAME=VALUE adds an attachment; there may be several. The exit status is 1 when the call fails.
 */
import { parseArgs } from "node:util";
import { callOnce, type RpcName } from "./rpc-peer.ts";

const { values, positionals } = parseArgs({
  options: { header: { type: "string", short: "H", multiple: true, default: [] } },
  allowPositionals: true,
});
const [url = "", ...args] = positionals;
const [, protocol, host = "", port, service = "", method = ""] =
  /^(bolt|dubbo):\/\/([^:/]+):(\d{1,5})\/([\w.$]+(?::[\w.]+)?)\/([\w$]+)$/.exec(url) ?? [];
if (protocol === undefined) {
  process.stderr.write(`Cannot call ${url}: expected bolt://HOST:PORT/INTERFACE:VERSION/METHOD, or dubbo://...\n`);
  process.exit(2);
}
const headers = Object.fromEntries(values.header.map((text) => text.split(/=(.*)/s, 2)));
try {
  const answer = await callOnce(protocol as RpcName, host, Number(port), { service, method, args, headers });
  process.stdout.write(`${String(answer)}\n`);
} catch (error) {
  process.stderr.write(`Cannot call ${url}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
