import { CHECK_REQUEST_MS_MAX } from "../limits.ts";
import { LedgerClient } from "../shop/ledger-contract.ts";
import { RiskClient } from "../shop/risk-contract.ts";
import type { RunningMesh } from "../up.ts";
import { withClient } from "./http-client.ts";
import { expect, type Probe } from "./probe.ts";

const CALLS = 50;
/** Characters of a long text that goes there and back. */
const MEMO_CHARS = 300_000;

/** A client that asks one thing of a service: order, amount and memo. */
interface Peer {
  ask(order: string, cents: number, memo?: string): Promise<string>;
  close(): Promise<void>;
}

/** Calls one after the other and all at once, then a long one; `wanted` is what an answer begins with. */
async function callThroughIngress(peer: Peer, wanted: string): Promise<string> {
  try {
    const order = (call: number): string => `check-${process.pid}-${call}`;
    const calls = Array.from({ length: CALLS }, (_, call) => peer.ask(order(call), call));
    for (const answer of await Promise.all(calls)) expect(answer.startsWith(wanted), `"${answer}" came back`);
    const memo = "x".repeat(MEMO_CHARS);
    const long = await peer.ask(order(CALLS), CALLS, memo);
    expect(long.endsWith(`: ${memo}`), `${long.length} characters came back for ${MEMO_CHARS}`);
    return `${CALLS} calls on one connection, and one of ${MEMO_CHARS / 1000} KB`;
  } finally {
    await peer.close();
  }
}

async function bolt({ mesh }: RunningMesh): Promise<string> {
  const client = new LedgerClient(mesh.httpPort, CHECK_REQUEST_MS_MAX);
  return callThroughIngress({ ask: client.record.bind(client), close: () => client.close() }, "ledger-");
}

async function dubbo({ mesh }: RunningMesh): Promise<string> {
  const client = new RiskClient(mesh.httpPort, CHECK_REQUEST_MS_MAX);
  return callThroughIngress({ ask: client.judge.bind(client), close: () => client.close() }, "low");
}

/** The storefront asks both, over one port of its sidecar. */
async function inMesh({ mesh }: RunningMesh): Promise<string> {
  return withClient(mesh.httpPort, async (client) => {
    const { order, risk, ledger } = await client.json("/checkout");
    expect(risk === "low", `the risk service said ${JSON.stringify(risk)}`);
    expect(String(ledger).startsWith("ledger-"), `the ledger said ${JSON.stringify(ledger)}`);
    return `${String(order)} judged and booked as ${String(ledger)}`;
  });
}

/** What sofa-bolt-node and dubbo-remoting, unmodified, see of the mesh. */
export const RPC_PROBES: readonly Probe[] = [
  { name: "Bolt through the ingress", run: bolt },
  { name: "Dubbo through the ingress", run: dubbo },
  { name: "Bolt and Dubbo between services", run: inMesh },
];
