/** The ledger of the demo shop: books what was paid. It speaks Bolt, by sofa-bolt-node. */
import * as bolt from "sofa-bolt-node";
import { startApplication } from "./application.ts";
import { serveRpc } from "./rpc-peer.ts";

/** Entries that are remembered, so that a call that comes again books nothing again. */
const ENTRIES_MAX = 10_000;

const options = startApplication();
const entries = new Map<string, string>();
let bookings = 0;

function record(order: string, cents: string, memo: string): string {
  let entry = entries.get(order);
  if (entry === undefined) {
    entry = `${options.instance}-${++bookings}-${cents}`;
    entries.set(order, entry);
    const [oldest] = entries.keys();
    if (entries.size > ENTRIES_MAX && oldest !== undefined) entries.delete(oldest);
  }
  return memo === "" ? entry : `${entry}: ${memo}`;
}

serveRpc(bolt, options, { record });
