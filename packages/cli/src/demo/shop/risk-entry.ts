/** The risk service of the demo shop: says whether an order looks like fraud. It speaks Dubbo, by dubbo-remoting. */
import * as dubbo from "dubbo-remoting";
import { startApplication } from "./application.ts";
import { serveRpc } from "./rpc-peer.ts";

/** Orders above this amount are looked at twice. */
const LOW_RISK_CENTS_MAX = 100_000;

const options = startApplication();

function judge(_order: string, cents: string, memo: string): string {
  const verdict = Number(cents) > LOW_RISK_CENTS_MAX ? "high" : "low";
  return memo === "" ? verdict : `${verdict}: ${memo}`;
}

serveRpc(dubbo, options, { judge });
